# Reliability, agreement and factor models by R, on the reference data.
# Run from the folder of this script:  Rscript reliability.R PATH_TO_REFERENCE_DATA
# R 4.x, psych 2.2.9, multilevel 2.7, lavaan 0.6-14. Writes reliability.csv: name,value.
suppressMessages({library(psych); library(multilevel); library(lavaan)})
folder <- commandArgs(TRUE)[1]
out <- c()
bfi <- read.csv(file.path(folder, "bfi.csv"))
turned <- c("A1", "C4", "C5", "E1", "E2", "O2", "O5")
for (item in turned) bfi[[item]] <- 7 - bfi[[item]]
scales <- list(A = paste0("A", 1:5), C = paste0("C", 1:5), E = paste0("E", 1:5),
               N = paste0("N", 1:5), O = paste0("O", 1:5))
for (name in names(scales)) {
  x <- bfi[, scales[[name]]]
  a <- psych::alpha(x)
  out[paste0("alpha.", name)] <- a$total$raw_alpha
  for (item in scales[[name]]) {
    out[paste0("item_rest.", item)] <- a$item.stats[item, "r.drop"]
    out[paste0("alpha_if_dropped.", item)] <- a$alpha.drop[item, "raw_alpha"]
    out[paste0("mean.", item)] <- a$item.stats[item, "mean"]
    out[paste0("sd.", item)] <- a$item.stats[item, "sd"]
  }
  # Omega total of one factor (McDonald 1999). psych::omega needs GPArotation even for one factor:
  # here its minimum residuals by psych::fa, then solved to the end, since fa stops early.
  r <- cor(x, use = "pairwise")
  minres <- function(l) sum(((r - l %*% t(l))[lower.tri(r)])^2)
  slope <- function(l) { e <- r - l %*% t(l); diag(e) <- 0; -2 * as.vector(e %*% l) }
  l <- optim(fa(r, 1)$loadings[, 1], minres, slope, method = "BFGS",
             control = list(reltol = 1e-18, maxit = 1000))$par
  out[paste0("omega.", name)] <- sum(l)^2 / (sum(l)^2 + sum(1 - l^2))
  complete <- na.omit(x)
  p <- lavCor(as.data.frame(lapply(complete, ordered)), ordered = names(complete))
  p <- matrix(as.numeric(p), 5)
  out[paste0("ordinal_alpha_complete.", name)] <- 5 / 4 * (1 - 5 / sum(p))
}
x <- na.omit(bfi[, unlist(scales)])
one <- cfa(paste("f =~", paste(unlist(scales), collapse = " + ")), x, std.lv = TRUE)
five <- cfa(paste(sapply(names(scales), function(s)
  paste0("f", s, " =~ ", paste(scales[[s]], collapse = " + "))), collapse = "\n"), x, std.lv = TRUE)
for (fit in c("one", "five")) {
  values <- fitMeasures(get(fit), c("chisq", "df", "cfi", "rmsea", "srmr", "npar"))
  for (v in names(values)) out[paste0("cfa.", fit, ".", v)] <- values[[v]]
}
lq <- read.csv(file.path(folder, "lq2002.csv"))
lead <- lq[, sprintf("LEAD%02d", 1:11)]
out["rwgj.mean"] <- mean(rwg.j(lead, lq$COMPID, ranvar = 2)$rwg.j)
out["ad.mean"] <- mean(ad.m(lead, lq$COMPID)$AD.M)
out["alpha.LEAD"] <- psych::alpha(lead)$total$raw_alpha
for (v in c("LEAD", "TSIG", "HOSTILE")) {
  m <- aov(lq[[v]] ~ as.factor(lq$COMPID))
  out[paste0("icc1.", v)] <- ICC1(m)
  out[paste0("icc2.", v)] <- ICC2(m)
}
write.csv(data.frame(name = names(out), value = format(out, digits = 15, scientific = TRUE)),
          "reliability.csv", row.names = FALSE, quote = FALSE)
