#!/usr/bin/env Rscript
# What R makes of formulas over one table: tests/formula/fixtures.json. R's terms and splines are what formula/ follows.
# Run, with any R of 4.2 on: tests/formula/fixtures.R > tests/formula/fixtures.json
suppressMessages(library(splines))
options(digits = 17)
set.seed(1)

cells <- expand.grid(colour = c("red", "green", "blue"), shape = c("round", "flat"), size = c("S", "L"))
table <- cells[rep(seq_len(nrow(cells)), 3), ]
n <- nrow(table)
table$logp <- round(rnorm(n, 2, 1.5), 3)
table$mass <- round(exp(rnorm(n, 5.6, 0.4)), 2)
table$tpsa <- round(runif(n, 10, 140), 1)
table$rings <- as.numeric(sample(0:5, n, TRUE))
table$y <- round(rnorm(n), 3)
table <- table[sample(n), c("logp", "colour", "mass", "shape", "tpsa", "size", "rings", "y")]

# Rows that were not fitted, beyond the range of those that were.
new <- table[1:6, ]
new$logp <- c(-4, 8, 0.123, 2, 3.25, max(table$logp))
new$mass <- c(20, 2000, 300, 250, min(table$mass), 410)
new$tpsa <- c(2, 200, 70, 15, 100, 33)

center <- function(x) x - mean(x)
matrices <- c(
  "logp", "logp + tpsa", "colour", "logp + colour", "0 + logp", "0 + colour", "0 + colour + shape", "logp - 1",
  "logp * colour", "colour * shape", "colour * shape * size", "logp:colour", "colour:shape", "logp + logp:colour",
  "0 + logp:colour", "0 + logp + logp:colour", "shape + colour:shape", "colour:shape:size", "colour + shape:size",
  "(logp + colour + shape)^2", "(logp + colour + shape + size)^3 - colour:shape:size", "(colour + shape + size)^2 - shape",
  "colour/shape", "colour/(logp + shape)", "logp * tpsa * rings", "logp * (tpsa + rings) - tpsa", "logp:tpsa:colour",
  "colour * logp + shape * tpsa", "log(mass) * colour", "I(tpsa^2) + tpsa", "I((logp + tpsa) * 2 / rings^0)",
  "log10(mass) + log1p(rings) + sqrt(tpsa) + exp(logp) + abs(logp)", "scale(mass) + shape", "center(mass):shape",
  "I(scale(tpsa)^2) + scale(log(mass))", "poly(logp, 3)", "poly(rings, 2):colour", "poly(mass, 4) + tpsa", "poly(logp, 1)",
  "poly(logp, 2) * poly(tpsa, 2)", "bs(logp)", "bs(logp, df = 5)", "bs(logp, df = 6):shape", "bs(tpsa, knots = c(40, 90))",
  "bs(mass, df = 4, degree = 2)", "bs(logp, df = 5, intercept = TRUE) - 1", "bs(rings, degree = 1, knots = 2)", "ns(logp)",
  "ns(logp, df = 4)", "ns(tpsa, knots = c(40, 90)) * colour", "ns(mass, df = 3, intercept = TRUE) - 1", "ns(log(mass), 3)",
  "bs(logp, 4) + ns(tpsa, 3) + colour:poly(mass, 2)", "factor(rings)", "factor(rings):logp + shape", "((logp + (colour)))",
  ".", ". - tpsa - size", "(. - mass - tpsa - rings)^2", "colour %in% shape", "1", "shape:logp + colour:logp", "offset(mass) + logp")

fitted <- function(formula) {
  frame <- model.frame(formula, table)
  list(terms = terms(frame), levels = .getXlevels(terms(frame), frame), x = model.matrix(terms(frame), frame))
}
renewed <- function(fit) {
  part <- delete.response(fit$terms)
  model.matrix(part, model.frame(part, new, xlev = fit$levels))
}

# Names alone of formulas made at random.
random_formula <- function(depth) {
  if (depth == 0 || runif(1) < 0.2) return(sample(c("logp", "tpsa", "rings", "colour", "shape", "size"), 1))
  parts <- c(random_formula(depth - 1), sample(c("+", "+", "*", ":", "-", "/", "^"), 1), random_formula(depth - 1))
  if (parts[2] == "^") parts[3] <- sample(2:3, 1)
  paste0("(", parts[1], " ", parts[2], " ", parts[3], ")")
}
names_only <- replicate(400, paste0(sample(c("", "0 + ", "1 + "), 1, prob = c(3, 1, 1)), random_formula(sample(2:4, 1))))

json_text <- function(x) paste0('"', x, '"')
json_numbers <- function(x) paste0("[", paste(format(unname(x), digits = 17, trim = TRUE), collapse = ","), "]")
json_list <- function(names, values) paste0("{\n", paste0(json_text(names), ": ", values, collapse = ",\n"), "\n}")
json_words <- function(x) if (length(x)) paste0("[", paste(json_text(x), collapse = ","), "]") else "[]"
json_table <- function(t) json_list(names(t), sapply(t, function(x) if (is.factor(x)) json_words(x) else json_numbers(x)))

columns <- list()
new_columns <- list()
formulas <- c()
for (right in matrices) {
  fit <- fitted(as.formula(paste("y ~", right)))
  for (name in colnames(fit$x)) columns[[name]] <- fit$x[, name]
  formulas[right] <- json_words(colnames(fit$x))
  if (!grepl("center", right)) {
    x <- renewed(fit)
    for (name in colnames(x)) new_columns[[name]] <- x[, name]
  }
}
structures <- c()
for (right in unique(names_only)) {
  structures[right] <- json_words(colnames(model.matrix(as.formula(paste("y ~", right)), table)))
}
cat(json_list(c("r", "table", "new", "columns", "new_columns", "formulas", "names"),
  c(json_text(R.version.string), json_table(table), json_table(new),
    json_list(names(columns), sapply(columns, json_numbers)), json_list(names(new_columns), sapply(new_columns, json_numbers)),
    json_list(names(formulas), formulas), json_list(names(structures), structures))), "\n")
