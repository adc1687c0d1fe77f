#!/usr/bin/env bash
# The same bits: hashes of lambda and of the draws of one fit on 1, 2, 3, 4, 7 ranks and 1, 2 threads, for every model
# in both modes, with effects of groups a hash of what is said of these too; then fits of which a random rank is killed
# (-9) at a random moment, resumed on another number of ranks.
# Prints a table; exit code 1 on any difference.
# Run: apps/bench/same_bits.sh [KILLS]      (20; some minutes; the program is build/release/bin/vfe)
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
vfe=$root/build/release/bin/vfe
kills=${1:-20}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
RANDOM=1

formula='y ~ g * x1 + h + poly(x2, 2) + x3'  # factors, which models hold as indices, and numbers

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 74
failures=0

die() {
  echo "same_bits: $1" >&2
  exit 1
}

# config MODEL MODE STEPS CHECKPOINT_EVERY > fit.toml, by $formula
config() {
  cat <<END
[data]
file = "$1.h5"
[model]
type = "$1"
formula = "$formula"
[family]
type = "full_rank"
[fit]
mode = "$2"
max_steps = $3
$([[ $2 == stochastic ]] && echo 'blocks_per_step = 8')
[output]
directory = "run"
draws = 1000
checkpoint_every = $4
END
}

# fit RANKS THREADS FLAGS...: the output is kept in the file fit.txt
fit() {
  mpirun -n "$1" --oversubscribe --bind-to none "$vfe" fit fit.toml --accept-rejected --set "fit.threads=$2" "${@:3}" >fit.txt 2>&1
}

# "lambda_hash draws_hash" of the run, and a hash of its groups if it has any.
hashes() {
  "$vfe" diagnose run --json >verdict.json  # 2 = rejected: no matter here
  local lambda draws
  lambda=$(grep -o '"lambda_hash": *"[^"]*"' verdict.json | cut -d'"' -f4)
  draws=$(grep -o '"draws_hash": *"[^"]*"' verdict.json | cut -d'"' -f4)
  [[ -n $lambda && -n $draws ]] || die "no hashes in the verdict of $(pwd)/run"
  local groups
  groups=$(sed -n '/"nodes":/,$p' verdict.json)
  echo "$lambda $draws${groups:+ $(md5sum <<<"$groups" | cut -c1-16)}"
}

# compare WHAT FOUND EXPECTED
compare() {
  local mark=same
  if [[ $2 != "$3" ]]; then
    mark=DIFFERENT
    failures=$((failures + 1))
  fi
  printf '%-46s %s  %s\n' "$1" "$2" "$mark"
}

# compare_ranks MODEL MODE: on any number of ranks and threads, of the data in MODEL.h5
compare_ranks() {
  local expected= found ranks threads
  config "$1" "$2" 100 30 >fit.toml
  for ranks in 1 2 3 4 7; do
    for threads in 1 2; do
      fit "$ranks" "$threads" --overwrite || { cat fit.txt; die "$1 $2 failed on $ranks ranks"; }
      found=$(hashes) || exit 1
      compare "$1 $2, ranks $ranks, threads $threads" "$found" "${expected:=$found}"
    done
  done
}

printf '%-46s %-16s %-16s %-16s\n' "fit" "lambda" "draws" "groups"
for model in linear student_t logistic poisson negative_binomial softmax ordinal hurdle_negative_binomial weibull; do
  "$vfe" simulate "$model" -o "$model.h5" --rows 4000 --formula "$formula" --levels g=3 --levels h=20 --block-rows 128 --seed 1 >/dev/null 2>&1 ||
    die "cannot simulate $model"
  for mode in synchronous stochastic; do
    compare_ranks "$model" "$mode"
  done
done

# compare_groups MODEL FORMULA LEVELS...: simulated with effects of groups
compare_groups() {
  local model=$1 formula=$2 mode
  "$vfe" simulate "$model" -o "$model.h5" --overwrite --rows 1500 --formula "$formula" "${@:3}" --block-rows 128 --seed 1 >/dev/null 2>&1 ||
    die "cannot simulate $model by $formula"
  echo "$formula"
  for mode in synchronous stochastic; do compare_ranks "$model" "$mode"; done
}
# Integrated by quadrature, of groups in groups, and exactly beside those of a factor.
compare_groups logistic 'y ~ x1 + (1 + x1 | g)' --levels g=60
compare_groups poisson 'y ~ x1 + (1 | g/h)' --levels g=60 --levels h=5
compare_groups linear 'y ~ x1 + (1 | g) + (1 | h)' --levels g=60 --levels h=5

# Kills: each fit starts anew, loses a rank, and is resumed on another number of ranks. Several kills of one fit
# happen when the resumed one is hit too.
rank_counts=(1 2 3 4)
"$vfe" simulate logistic -o logistic.h5 --overwrite --rows 40000 --formula "$formula" --levels g=3 --levels h=20 --block-rows 512 --seed 2 >/dev/null 2>&1 ||
  die "cannot simulate the data of the kills"
killed=0
for mode in stochastic synchronous; do
  config logistic "$mode" 3000 20 >fit.toml
  start=$(date +%s%N)
  fit 2 1 --overwrite || { cat fit.txt; die "the uninterrupted fit failed"; }
  duration=$((($(date +%s%N) - start) / 1000000))  # ms
  expected=$(hashes) || exit 1
  compare "$mode, uninterrupted, ${duration} ms" "$expected" "$expected"
  [[ $mode == stochastic ]] && goal=$((kills * 3 / 4)) || goal=$kills
  while ((killed < goal)); do
    rm -rf run
    hits=0
    for attempt in {1..20}; do
      ranks=${rank_counts[RANDOM % 4]}
      pids=()
      mpirun -n "$ranks" --oversubscribe --bind-to none "$vfe" fit fit.toml --accept-rejected --resume >fit.txt 2>&1 &
      job=$!
      if ((attempt <= 2)); then
        delay=$((RANDOM % duration))
        sleep "$((delay / 1000)).$(printf '%03d' $((delay % 1000)))"
        mapfile -t pids < <(pgrep -P "$job" -x vfe)
        if ((${#pids[@]} > 0)) && kill -9 "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null; then hits=$((hits + 1)); fi
      fi
      wait "$job" 2>/dev/null
      code=$?
      # mpirun may be gone a second before the last of its ranks, which holds the lock of the folder.
      while ((${#pids[@]} > 0)) && kill -0 "${pids[@]}" 2>/dev/null; do sleep 0.1; done
      ((code == 0)) && break
      ((attempt <= 2)) || { cat fit.txt; die "resuming ended with $code"; }
    done
    killed=$((killed + hits))
    found=$(hashes) || exit 1
    compare "$mode, kills $hits, last ranks $ranks" "$found" "$expected"
  done
done

echo "$killed kills, $failures differences"
exit $((failures != 0))
