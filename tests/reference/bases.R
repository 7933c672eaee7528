# poly, bs and ns on some rows, and by predict() on others, two of them beyond the range; scale as well.
# Rscript tests/reference/bases.R > tests/reference/bases.json      (R 4.2.2)
suppressMessages({library(splines); library(jsonlite)})
x <- c(0.3, 1.1, 1.4, 2.7, 3.1, 3.2, 4.8, 5.5, 7.9, 8.0, 8.4, 9.9)
new <- c(0.3, 2, 6.6, 9.9, -1.5, 12)
calls <- c("poly(x, 1)", "poly(x, 2)", "poly(x, 5)", "poly(x, 3, raw = TRUE)", "poly(x, degree = 4)", "bs(x)", "bs(x, df = 3)",
           "bs(x, df = 4)", "bs(x, df = 6)", "bs(x, df = 4, degree = 2)", "bs(x, df = 3, degree = 1)", "ns(x)",
           "ns(x, df = 1)", "ns(x, df = 2)", "ns(x, df = 3)", "ns(x, df = 5)", "scale(x)", "scale(x, center = FALSE)",
           "scale(x, scale = FALSE)")
one <- function(call) {
  fitted <- eval(parse(text = call))
  at <- if (grepl("^scale", call)) {
    scale(new, attr(fitted, "scaled:center") %||% FALSE, attr(fitted, "scaled:scale") %||% FALSE)
  } else suppressWarnings(predict(fitted, new))
  list(call = call, x = x, new = new, fitted = matrix(fitted, nrow = length(x)), at = matrix(at, nrow = length(new)))
}
`%||%` <- function(a, b) if (is.null(a)) b else a
cat(toJSON(lapply(calls, one), auto_unbox = TRUE, digits = 12))
