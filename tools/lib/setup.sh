# Set-up shared by tools/demo, tools/test and tools/bench: Debian packages and .venv.
# Usage: extra=NAME; also=PACKAGES; . tools/lib/setup.sh
# (NAME: the pyproject extra to install; PACKAGES: Debian packages beside the usual ones, if any)
# Run from the repository's root. Says on stderr what it does and what it cannot do.

packages="gcc libc6-dev make cmake gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
          gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc gcc-avr avr-libc simavr
          libsimavr-dev libelf-dev mosquitto python3-venv ${also:-}"

say() { printf '%s\n' "$*" >&2; }

missing_packages() {
  for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      printf '%s ' "$package"
  done
}

# Whether what the packages are for is there by other means (another distribution, a newer
# Python with its own venv module).
covered() {
  case $1 in
    python3-venv) python3 -c 'import ensurepip' 2>/dev/null ;;
    libc6-dev) command -v gcc >/dev/null && echo '#include <string.h>' | gcc -E - >/dev/null 2>&1 ;;
    gcc | make | cmake | chromium) command -v "$1" >/dev/null ;;
    mosquitto) PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto >/dev/null ;;
    *) return 1 ;;
  esac
}

# Debian starts the daemons of what it installs unless this file says no. The tests start a broker
# of their own; the one of the package is neither started nor left to start at the next boot.
install_without_daemons() {
  policy=/usr/sbin/policy-rc.d
  made=
  if [ ! -e $policy ]; then
    made=yes
    trap '$as_root rm -f $policy; exit 1' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
  fi
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    say "apt-get could not install all of: $*"
  [ -z "$made" ] || $as_root rm -f $policy
  trap - INT TERM
  case " $* " in
    *" mosquitto "*) $as_root systemctl disable --quiet mosquitto 2>/dev/null || : ;;
  esac
}

install_packages() {
  wanted=
  for package in $(missing_packages); do
    covered "$package" || wanted="$wanted $package"
  done
  [ -z "$wanted" ] && return
  as_root=
  if [ "$(id -u)" != 0 ]; then
    if sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root=none; fi
  fi
  if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
    say "Not installed, and no way to install it here:$wanted"
    say "To have it: apt-get install$wanted"
    say "Going on with what is here; what needs an emulated board is left out or uses the host twin."
    return
  fi
  say "Installing Debian packages:$wanted"
  $as_root apt-get update -qq >/dev/null || say "apt-get update failed; trying with the lists at hand"
  install_without_daemons $wanted
}

find_python() {
  for python in python3.11 python3.12 python3.13 python3; do
    command -v $python >/dev/null &&
      $python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null &&
      echo $python && return
  done
  say "Python 3.11, 3.12 or 3.13 is needed and none is on the PATH."
  exit 1
}

install_python() {
  stamp=.venv/tinylearn-$extra-$(cksum <pyproject.toml | tr ' ' '-')
  [ -e "$stamp" ] && return
  say "Setting up .venv with tinylearn[$extra] (minutes, the first time)"
  [ -x .venv/bin/python ] || "$(find_python)" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extra]"
  : >"$stamp"
}

install_packages
install_python
