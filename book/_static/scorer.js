// The search of the book: Sphinx's own weights, with the reference of the library after the chapters.
var Scorer = {
  score: ([page, , , , score]) => (page.startsWith("library") ? score - 30 : score),
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
