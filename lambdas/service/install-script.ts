import { ClientRelease, type ServedClient } from '../../protocol/client-release.ts';

type Release = NonNullable<ServedClient['release']>;

/** Where there are no pages to sign in on. */
const askForName = `    if [ $input = none ]; then
      printf 'next: %s login %s --user NAME\\n' "$prefix/bin/tidemark" "$service"
      return
    fi
    printf 'User name: '
    IFS= read -r user <&3
    set -- "$@" --user "$user"`;

/**
 * The script that `curl URL/install | sh` runs: it gets the client of this machine, compares it with its SHA-256, signs
 * in, and has the folder synced. Nothing runs before the last line has come: a script that breaks off does nothing.
 */
export function installScript(service: string, { url, text }: Release, hasPages: boolean): string {
  const { version, files } = ClientRelease.parse(JSON.parse(text));
  const { npm, ...platforms } = files;
  const cases = Object.entries(platforms).map(
    ([platform, { name, sha256 }]) => `    ${platform}) archive=${name} sha256=${sha256} ;;`,
  );
  return `#!/bin/sh
# Installs Tidemark's client, signs in and starts to sync:  curl -fsSL ${service}/install | sh
# Words go to 'tidemark login':  … | sh -s -- --user you@example.com
# TIDEMARK_FOLDER is the folder (default ~/Tidemark), TIDEMARK_PREFIX where the client goes (default ~/.local).
set -eu

fail() {
  printf 'tidemark: %s\\n' "$*" >&2
  exit 1
}

main() {
  service='${service}'
  prefix=\${TIDEMARK_PREFIX:-$HOME/.local}
  folder=\${TIDEMARK_FOLDER:-$HOME/Tidemark}
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=linux-x64 ;;
    Linux-aarch64 | Linux-arm64) platform=linux-arm64 ;;
    Darwin-x86_64) platform=darwin-x64 ;;
    *) platform=$(uname -s)-$(uname -m) ;;
  esac
  case $platform in
${cases.join('\n')}
    *) fail "there is no executable for $platform here${npm ? `; with Node.js: npm install --global ${url}/${npm.name}` : ''}" ;;
  esac

  ca='' before='' sign_in='' input=terminal
  for word; do
    case $word in
      --ca=*) ca=\${word#--ca=} ;;
      --user | --user=* | --browser) sign_in=said ;;
      --password-stdin) input=pipe ;;
    esac
    [ "$before" != --ca ] || ca=$word
    before=$word
  done
  # The standard input is this script.
  if [ $input = pipe ]; then exec 3<&0
  elif (: </dev/tty) 2>/dev/null; then exec 3</dev/tty
  else
    input=none
    exec 3</dev/null
  fi

  library=$prefix/lib/tidemark
  mkdir -p "$prefix/bin" "$prefix/lib"
  scratch=$(mktemp -d "$prefix/lib/.tidemark-install-XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT TERM HUP

  printf 'tidemark ${version} for %s ...\\n' "$platform"
  curl -fsSL --proto =https --tlsv1.2 --retry 3 \${ca:+--cacert "$ca"} -o "$scratch/archive" "${url}/$archive" ||
    fail "the client does not come from ${new URL(url).host}: try again"
  if command -v sha256sum >/dev/null; then actual=$(sha256sum "$scratch/archive"); else actual=$(shasum -a 256 "$scratch/archive"); fi
  [ "\${actual%% *}" = "$sha256" ] || fail 'what came is not what the service gives: nothing was installed, try again'
  mkdir "$scratch/new"
  tar -xzf "$scratch/archive" -C "$scratch/new"
  [ "$("$scratch/new/tidemark" --version)" = ${version} ] || fail 'the client does not run on this machine: nothing was installed'
  mkdir -p "$library"
  for file in "$scratch/new/"*; do mv -f "$file" "$library/"; done
  ln -sf ../lib/tidemark/tidemark "$prefix/bin/tidemark"
  printf 'installed as %s\\n' "$prefix/bin/tidemark"
  case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) printf 'add %s to your PATH to run it as tidemark\\n' "$prefix/bin" ;;
  esac

  if [ -f "\${XDG_CONFIG_HOME:-$HOME/.config}/tidemark/config.json" ]; then
    printf 'this device is signed in already; %s service install has it run in the background\\n' "$prefix/bin/tidemark"
    return
  fi
  if [ -z "$sign_in" ]; then
${hasPages ? '    set -- "$@" --browser' : askForName}
  fi
  "$prefix/bin/tidemark" login "$service" "$@" <&3
  "$prefix/bin/tidemark" service install "$folder" ||
    printf 'nothing runs in the background; %s sync %s syncs for as long as it runs\\n' "$prefix/bin/tidemark" "$folder"
}

main "$@"
`;
}
