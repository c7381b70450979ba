# Debian's packages, unpacked into folders; sourced, after lib.sh.
# shellcheck shell=bash

# Prints the mirror that apt uses here, or Debian's own where apt does not say one.
debian_mirror() {
  local site
  # shellcheck disable=SC2016  # apt's own words
  site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
    grep -v -e security -e updates | head -n 1) || site=''
  echo "${MIXBED_DEBIAN_MIRROR:-${site:-http://deb.debian.org/debian}}"
}

# unpack_debian CODENAME PACKAGES FOLDER: the packages and what they depend on, as files: no script of theirs
# runs, and any user may do it. PACKAGES are separated by commas.
unpack_debian() {
  local codename=$1 packages=$2 folder=$3
  mkdir -p "$folder"
  mmdebstrap --quiet --variant=extract --include="$packages" "$codename" "$folder.tar" "$(debian_mirror)" >&2 ||
    fail "Debian's packages could not be fetched: $packages of $codename, from $(debian_mirror)" \
      "Another mirror: MIXBED_DEBIAN_MIRROR=http://… in front of the command"
  tar -xpf "$folder.tar" -C "$folder" --exclude='./dev/*'
  rm -f "$folder.tar"
}
