# What lme4 builds from formulas: names of the fixed columns; per block the group, its levels, its effects' columns.
# Rscript tests/reference/lme4_readings.R > tests/reference/lme4_readings.json      (lme4 1.1-31, R 4.2.2)
suppressMessages({library(lme4); library(jsonlite); library(splines)})

# small, made without random numbers, so that Python has the same rows: see tests/formula/test_lme4_readings.py
i <- 0:71
d <- data.frame(
  x = (i * 7) %% 24 / 4 + 0.5, z = (i * i) %% 13 - 6, k = i %% 5, n = 5 + i %% 4,
  c = c("p", "q", "r")[1 + i %% 3], d = c("k", "l")[1 + (i %/% 3) %% 2],
  g = 10 + i %/% 12, h = c("u", "v", "w", "s")[1 + (i %/% 2) %% 4], b = c("A", "B", "C")[1 + i %/% 24],
  m = 1 + (i %/% 12) %% 2
)
d$y <- d$x + d$z / 3 + sin(i)
d$pos <- exp(sin(i))
for (name in c("c", "d", "h", "b", "g", "m")) d[[paste0(name, "_")]] <- factor(d[[name]])
d <- within(d, { c <- c_; d <- d_; h <- h_; b <- b_; gf <- g_; mf <- m_; rm(c_, d_, h_, b_, g_, m_) })

formulas <- c(
  # intercepts and slopes
  "y ~ x + (1|g)", "y ~ x + (x|g)", "y ~ x + (1 + x|g)", "y ~ x + (x||g)", "y ~ x + (0 + x|g)", "y ~ x + (x - 1|g)",
  "y ~ x + (1|g) + (0 + x|g)", "y ~ 0 + x + (1|g)", "y ~ x + z + (x + z|g)", "y ~ x + z + (x + z||g)",
  "y ~ x + z + (0 + x + z||g)", "y ~ -1 + x + (1|g)", "y ~ 1 + (1|g)", "y ~ x + (-1 + x|g)",
  # nested and crossed
  "y ~ 1 + (1|b/m)", "y ~ 1 + (1|b:m)", "y ~ x + (x|b/m)", "y ~ x + (x||b/m)", "y ~ 1 + (1|g) + (1|h)",
  "y ~ x + (x|g) + (1|h)", "y ~ 1 + (1|b/m/h)", "y ~ x + (0 + x|g) + (1|h)", "y ~ 1 + (1|g:h)", "y ~ 1 + (1|b) + (1|g:h)",
  # interactions, powers, nesting of common terms
  "y ~ x*z + (1|g)", "y ~ x:z + (1|g)", "y ~ x*z + (x*z|g)", "y ~ (x + z)^2 + (x:z|g)", "y ~ x*c + (1|g)",
  "y ~ x:c + (1|g)", "y ~ c/x + (1|g)", "y ~ x %in% z + (1|g)", "y ~ x*z - x + (1|g)", "y ~ x*z*d - x:z:d + (1|g)",
  "y ~ (x + z + d)^2 - z:d + (1|g)", "y ~ c*d + (1|g)",
  # factors
  "y ~ c + (c|g)", "y ~ c + (0 + c|g)", "y ~ c + (c||g)", "y ~ 0 + c + (1|g)", "y ~ c + d + (c + d|g)",
  "y ~ x + (x:c|g)", "y ~ factor(k) + (1|g)", "y ~ as.factor(k) + x + (factor(k)|h)", "y ~ 0 + c + d + (1|g)",
  # functions
  "y ~ log(pos) + (log(pos)|g)", "y ~ I(x^2) + x + (I(x^2)|g)", "log(pos) ~ x + (1|g)", "y ~ scale(x) + (scale(x)|g)",
  "y ~ poly(x, 2) + (poly(x, 2)|g)", "y ~ poly(x, 2) + (poly(x, 2)||g)", "y ~ poly(x, 3, raw = TRUE) + (1|g)",
  "y ~ poly(x, 2)*d + (1|g)", "y ~ bs(x, df = 5) + (1|g)", "y ~ ns(x, df = 3) + (ns(x, df = 2)|g)",
  "y ~ sqrt(pos) + exp(z/6) + abs(z) + (1|g)", "y ~ x + offset(log(n)) + (1|g)", "y ~ I(x + z) + I(x/2) + (1|h)"
)

reading <- function(text) {
  l <- lFormula(as.formula(text), d, control = lmerControl(
    check.nobs.vs.nlev = "ignore", check.nobs.vs.nRE = "ignore", check.nlev.gtr.1 = "ignore", check.rankX = "ignore",
    check.scaleX = "ignore", check.nobs.vs.rankZ = "ignore"))
  names <- names(l$reTrms$cnms)
  list(
    formula = text,
    fixed = colnames(l$X),
    X = unname(l$X),
    blocks = lapply(seq_along(names), function(j) list(
      group = names[j], levels = nlevels(l$reTrms$flist[[names[j]]]), effects = l$reTrms$cnms[[j]])),
    columns_of_Z = nrow(l$reTrms$Zt))
}
cat(toJSON(lapply(formulas, reading), auto_unbox = TRUE, digits = 10, pretty = FALSE))
