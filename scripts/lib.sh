# Shared by the scripts here; sourced, never run. Everything a script says goes to stderr, so that the
# output of the command it wraps stays alone on stdout.
# shellcheck shell=bash

# shellcheck disable=SC2034  # the scripts use it
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [[ -t 2 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi

say() { printf '%s\n' "$*" >&2; }
heading() { printf '%s==> %s%s\n' "$bold" "$*" "$plain" >&2; }

# Ends the script. The first argument says what is wrong; each further one is a line of what to do.
fail() {
  printf '%s%s: %s%s\n' "$red" "${0##*/}" "$1" "$plain" >&2
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Asked by everything that would change the machine.
may_install() { [[ ${MIXBED_NO_INSTALL:-} != 1 ]]; }
