# What lme4 builds from random formulas: names and sums of the fixed columns; per block the group, its levels, its effects.
# See generated_readings.py for how to run it.      (lme4 1.1-31, R 4.2.2)
suppressMessages({library(lme4); library(jsonlite); library(splines)})

i <- 0:71
d <- data.frame(
  x = (i * 7) %% 24 / 4 + 0.5, z = (i * i) %% 13 - 6, k = i %% 5, k2 = 1 + i %% 4,
  c = factor(c("p", "q", "r")[1 + i %% 3]), d = factor(c("k", "l")[1 + (i %/% 3) %% 2]), gn = 10 + i %/% 12,
  h = factor(c("u", "v", "w", "s")[1 + (i %/% 2) %% 4]), b = factor(c("A", "B", "C")[1 + i %/% 24]),
  mn = 1 + (i %/% 12) %% 2
)
d <- within(d, { g <- factor(gn); m <- factor(mn) })
d$y <- d$x + d$z / 3 + sin(i)
d$pos <- exp(sin(i))
d$pos2 <- exp(sin(i) + d$x)
d[["my col"]] <- cos(3 * i)
weight <- cos(1:72)   # a column is stored as its sum with these weights, a grouping as the squares of its groups' sums

control <- lmerControl(
  check.nobs.vs.nlev = "ignore", check.nobs.vs.nRE = "ignore", check.nlev.gtr.1 = "ignore", check.rankX = "ignore",
  check.scaleX = "ignore", check.nobs.vs.rankZ = "ignore", check.formula.LHS = "stop")

block <- function(j, l) {
  r <- l$reTrms
  name <- names(r$cnms)[j]
  group <- r$flist[[name]]
  width <- length(r$cnms[[j]])
  effects <- sapply(seq_len(width), function(e) colSums(r$Ztlist[[j]][seq(e, nrow(r$Ztlist[[j]]), width), , drop = FALSE]))
  list(group = name, levels = nlevels(group), partition = sum(tapply(weight, group, sum, default = 0)^2),
       fixed = I(r$cnms[[j]]), sums = I(as.vector(crossprod(effects, weight))), rank = qr(effects)$rank)
}

reading <- function(text) tryCatch({
  l <- lFormula(as.formula(text), d, control = control)
  offset <- model.offset(l$fr)
  list(formula = text, fixed = I(colnames(l$X)), sums = I(as.vector(crossprod(l$X, weight))), rank = qr(l$X)$rank,
       offset = if (is.null(offset)) 0 else sum(offset * weight), blocks = lapply(seq_along(l$reTrms$cnms), block, l))
}, error = function(e) list(formula = text, error = sub("\n.*", "", conditionMessage(e))),
   warning = function(w) list(formula = text, error = paste("warning:", sub("\n.*", "", conditionMessage(w)))))

formulas <- fromJSON(file("stdin"))
cat(toJSON(lapply(formulas, reading), auto_unbox = TRUE, digits = 6), "\n")
