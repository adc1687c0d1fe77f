#!/usr/bin/env bash
# Resident memory per rank (VmHWM, the high-water mark): its shard and a constant. Fits of two sizes of data on 1 and
# 2 ranks, each process read until it ends.
# Run: apps/bench/memory.sh [ROWS] [COLUMNS]     (1000000 x 50; the program is build/release/bin/vfe)
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
vfe=$root/build/release/bin/vfe
rows=${1:-1000000}
columns=${2:-50}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 74
cat >fit.toml <<END
[data]
file = "data.h5"
[model]
type = "logistic"
formula = "y"
[family]
type = "mean_field"
END

printf '%10s %8s %6s %14s %20s %20s\n' rows columns ranks "shard [MB]" "peak of a rank [MB]" "peak - shard [MB]"
for size in $((rows / 4)) "$rows"; do
  "$vfe" simulate logistic -o data.h5 --overwrite --rows "$size" --columns "$columns" --seed 1 >simulate.txt 2>&1 || {
    cat simulate.txt
    exit 1
  }
  for ranks in 1 2; do
    mpirun -n "$ranks" --oversubscribe "$vfe" fit fit.toml --accept-rejected --overwrite >fit.txt 2>&1 &
    job=$!
    peak=0
    while kill -0 "$job" 2>/dev/null; do
      for pid in $(pgrep -P "$job" -x vfe); do
        now=$(awk '/^VmHWM/ {print $2}' "/proc/$pid/status" 2>/dev/null)
        ((${now:-0} > peak)) && peak=$now
      done
      sleep 0.02
    done
    wait "$job" || {
      cat fit.txt
      exit 1
    }
    # A shard: x in float32 and y in float64.
    awk -v rows="$size" -v columns="$columns" -v ranks="$ranks" -v peak="$peak" 'BEGIN {
      shard = rows * (4 * columns + 8) / ranks / 1e6; used = peak * 1024 / 1e6
      printf "%10d %8d %6d %14.1f %20.1f %20.1f\n", rows, columns, ranks, shard, used, used - shard }'
  done
done
