// The search of the book: a heading with all that was asked comes first, pages to look things up in come last.
var Scorer = {
  score: ([page, title, , , score]) =>
    /^(library|glossary|notation)/.test(page) ? score / 100 : title.includes(" > ") ? score + 50 : score,
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
