# k-means on iris: silhouette (cluster), gap with squared distances (cluster), Calinski-Harabasz and
# bootstrap Jaccard (fpc), adjusted Rand against the species (mclust). Writes separation.csv.
#   Rscript tests/reference/separation.R
#   (Debian: apt-get install r-cran-mclust r-cran-fpc r-cran-cluster)
suppressMessages({library(cluster); library(fpc); library(mclust)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
values <- as.matrix(iris[, 1:4])
set.seed(1)
gap <- clusGap(values, function(x, k) list(cluster = kmeans(x, k, nstart = 20)$cluster), K.max = 5,
               B = 200, d.power = 2, spaceH0 = "scaledPCA", verbose = FALSE)
rows <- list()
for (k in 2:5) {
  parts <- kmeans(values, k, nstart = 100)$cluster
  boot <- clusterboot(values, B = 500, bootmethod = "boot", clustermethod = kmeansCBI, krange = k,
                      runs = 10, count = FALSE, seed = 1)
  order <- order(tapply(rowMeans(values), boot$partition, mean))
  rows[[k]] <- data.frame(
    k = k, silhouette = mean(silhouette(parts, dist(values))[, 3]),
    calinski_harabasz = calinhara(values, parts), log_within = gap$Tab[k, "logW"],
    gap = gap$Tab[k, "gap"], gap_se = gap$Tab[k, "SE.sim"],
    adjusted_rand = adjustedRandIndex(parts, iris$Species),
    jaccard = paste(round(boot$bootmean[order], 4), collapse = " "))
}
write.csv(do.call(rbind, rows), file.path(here, "separation.csv"), row.names = FALSE, quote = FALSE)
for (name in c("cluster", "fpc", "mclust")) cat(name, as.character(packageVersion(name)), "\n")
