"""One module a rule. Each has NAME, WHY, check(tree), and BAD and GOOD: lists of small trees
({path: text}) that prove that the rule can fail and does not fail too much."""
