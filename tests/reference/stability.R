# k-means on iris: bootstrap Jaccard of each profile (fpc), profiles from low to high mean. Writes
# stability.csv.
#   Rscript tests/reference/stability.R      (Debian: apt-get install r-cran-fpc)
suppressMessages(library(fpc))
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
values <- as.matrix(iris[, 1:4])
rows <- list()
for (k in 2:5) {
  boot <- clusterboot(values, B = 500, bootmethod = "boot", clustermethod = kmeansCBI, krange = k,
                      runs = 10, count = FALSE, seed = 1)
  order <- order(tapply(rowMeans(values), boot$partition, mean))
  rows[[k]] <- data.frame(k = k, jaccard = paste(round(boot$bootmean[order], 4), collapse = " "))
}
write.csv(do.call(rbind, rows), file.path(here, "stability.csv"), row.names = FALSE, quote = FALSE)
cat("fpc", as.character(packageVersion("fpc")), "\n")
