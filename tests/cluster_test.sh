#!/usr/bin/env bash
# Runs the job scripts of cluster/ with an mpirun, scontrol and qsub that only write down what they were asked.
# Run: bash tests/cluster_test.sh CLUSTER_FOLDER SCRATCH_FOLDER
set -uo pipefail
cluster=$(realpath "$1")
scratch=$2
failures=0

fail() {
  echo "FAILED: $1" >&2
  failures=$((failures + 1))
}

rm -rf "$scratch"
mkdir -p "$scratch/bin"
cd "$scratch" || exit 1
# Ends with the code in the file `ending`; told to stop, it takes a moment for its checkpoint and ends with 75.
cat >bin/mpirun <<'END'
#!/usr/bin/env bash
trap 'echo stop >>calls; sleep 0.3; exit 75' USR1
echo "mpirun $*" >>calls
if [[ -s ending ]]; then exit "$(cat ending)"; fi
for i in {1..200}; do sleep 0.1; done
exit 99
END
for name in scontrol qsub; do
  printf '#!/usr/bin/env bash\necho "%s $*" >>calls\n' "$name" >"bin/$name"
done
chmod +x bin/*

# run SCRIPT ENDING [SIGNAL]: leaves the exit code in `code` and what was called in the file `calls`.
run() {
  rm -f calls
  printf '%s' "$2" >ending
  PATH=$PWD/bin:$PATH SLURM_JOB_ID=4711 PBS_O_WORKDIR=$PWD bash "$cluster/$1" &
  local job=$!
  if [[ -n ${3:-} ]]; then
    for i in {1..100}; do
      [[ -s calls ]] && break
      sleep 0.1
    done
    kill "-$3" "$job"
  fi
  wait "$job"
  code=$?
}

# expect NAME CODE LINES...: what run() must have left.
expect() {
  local name=$1 expected=$2
  shift 2
  ((code == expected)) || fail "$name: ended with $code, expected $expected"
  diff <(printf '%s\n' "$@") calls || fail "$name: other calls than expected"
}

for script in fit.sbatch fit.pbs; do bash -n "$cluster/$script" || fail "$script does not parse"; done

sbatch_fit="mpirun vfe fit fit.toml --resume"
run fit.sbatch "" USR1
expect "sbatch at the wall clock" 75 "$sbatch_fit" stop "scontrol requeue 4711"
run fit.sbatch 0
expect "sbatch done" 0 "$sbatch_fit"
run fit.sbatch 3
expect "sbatch failed" 3 "$sbatch_fit"
run fit.sbatch 75
expect "sbatch stopped by max_time" 75 "$sbatch_fit" "scontrol requeue 4711"

pbs_fit="mpirun vfe fit fit.toml --resume --set fit.max_time=23h50m"
run fit.pbs "" TERM
expect "pbs told to end" 75 "$pbs_fit" stop "qsub fit.pbs"
run fit.pbs 75
expect "pbs stopped by max_time" 75 "$pbs_fit" "qsub fit.pbs"
run fit.pbs 0
expect "pbs done" 0 "$pbs_fit"
run fit.pbs 65
expect "pbs failed" 65 "$pbs_fit"

((failures == 0)) && echo "all as expected"
exit $((failures != 0))
