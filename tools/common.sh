# Shared by the scripts of tools/ and .ci/: sourced, not run. Leaves the shell in the root of the tree.
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }
run() {
  printf '+ %s\n' "$*"
  "$@"
}

jobs=${JOBS:-$(nproc)}
generator=()
if command -v ninja >/dev/null; then generator=(-G Ninja); fi
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
fi

# configure FOLDER OPTION...: a build folder of this tree
configure() {
  local folder=$1
  shift
  run cmake -S . -B "$folder" "${generator[@]}" "${launcher[@]}" "$@"
}
build() {
  local folder=$1
  shift
  run cmake --build "$folder" -j "$jobs" "$@"
}
