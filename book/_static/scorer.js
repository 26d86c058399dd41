// The search of the book: headings count most, and pages to look things up in come after the chapters.
var Scorer = {
  score: ([page, , , , score]) => (/^(library|glossary|notation)/.test(page) ? score / 100 : score),
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 60, partialTitle: 20, term: 5, partialTerm: 2,
};
