/* K-means with ten clever starts, and the silhouette, on rows of numbers. */
(() => {
  "use strict";
  const squared = (a, b) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);
  const mean = (rows) => Array.from(rows[0], (_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);

  /* k-means++: first centroids that lie far from one another. */
  const start = (rows, k, random) => {
    const centroids = [rows[Math.floor(random() * rows.length)]];
    while (centroids.length < k) {
      const away = rows.map((row) => Math.min(...centroids.map((c) => squared(row, c))));
      let left = random() * away.reduce((a, b) => a + b, 0);
      let place = away.findIndex((d) => (left -= d) < 0);
      if (place < 0) place = away.indexOf(Math.max(...away));
      centroids.push(rows[place]);
    }
    return centroids;
  };
  const once = (rows, k, random) => {
    let centroids = start(rows, k, random);
    let clusters = [];
    for (let step = 0; step < 300; step += 1) {
      const distances = rows.map((row) => centroids.map((c) => squared(row, c)));
      const now = distances.map((of) => of.indexOf(Math.min(...of)));
      const inertia = distances.reduce((sum, of, i) => sum + of[now[i]], 0);
      if (now.every((c, i) => c === clusters[i])) return { clusters, inertia };
      clusters = now;
      centroids = centroids.map((c, j) => {
        const own = rows.filter((_, i) => clusters[i] === j);
        return own.length ? mean(own) : c;
      });
    }
    return { clusters, inertia: Infinity };
  };
  /* The best of ten; the largest cluster is the first. */
  const kMeans = (rows, k, random) => {
    const runs = Array.from({ length: 10 }, () => once(rows, k, random));
    const best = runs.reduce((top, run) => (run.inertia < top.inertia ? run : top));
    const sizes = Array.from({ length: k }, (_, c) => best.clusters.filter((own) => own === c).length);
    const order = sizes.map((_, c) => c).sort((a, b) => sizes[b] - sizes[a]);
    return { clusters: best.clusters.map((c) => order.indexOf(c)), inertia: best.inertia };
  };
  const silhouette = (rows, clusters) => {
    const k = Math.max(...clusters) + 1;
    const each = rows.map((row, i) => {
      const sums = new Array(k).fill(0), sizes = new Array(k).fill(0);
      rows.forEach((other, j) => {
        if (i === j) return;
        sums[clusters[j]] += Math.sqrt(squared(row, other));
        sizes[clusters[j]] += 1;
      });
      if (!sizes[clusters[i]]) return 0;
      const a = sums[clusters[i]] / sizes[clusters[i]];
      const b = Math.min(...sums.map((sum, c) => (c !== clusters[i] && sizes[c] ? sum / sizes[c] : Infinity)));
      return Number.isFinite(b) ? (b - a) / Math.max(a, b) : 0;
    });
    return each.reduce((x, y) => x + y, 0) / each.length;
  };

  Object.assign(CourseDrop, { kMeans, silhouette, squared });
})();
