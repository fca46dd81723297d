/**
 * A root of its own for programs, without Docker: a folder with Node, npm, a shell and little else, as the image
 * `node:24-slim` has them, in namespaces of mounts and processes.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { findProgram } from "../../support/FindProgram.ts"

const unshare = findProgram("unshare") ?? "unshare"

const namespaces = ["--mount", "--pid", "--fork", "--kill-child"]

/** Whether this user and this machine can make one. */
export const isPossible: boolean =
  spawnSync(unshare, [...namespaces, "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0

if (!isPossible) console.warn("NOT TESTED in a fresh root: that takes unshare (util-linux) and root")

/** Next to nothing: no curl, for instance. */
const programs = ["sh", "env", "cat", "ls", "rm", "mkdir", "sleep", "id"]

const output = (path: string, ...args: ReadonlyArray<string>): string => execFileSync(path, args, { encoding: "utf8" })

/** A program at a path, with the libraries that it needs at those that they have here. */
const install = (root: string, path: string, to: string): void => {
  for (const file of output("ldd", path).match(/\/\S+(?= \()/g) ?? []) place(root, file, file)
  place(root, path, to)
}

const place = (root: string, path: string, to: string): void => {
  const target = join(root, to)
  mkdirSync(dirname(target), { recursive: true })
  if (!existsSync(target)) copyFileSync(realpathSync(path), target)
}

/** Where the npm is that one has, behind a link to `bin/npm-cli.js` in it. */
const npmFolder = (): string => dirname(dirname(realpathSync(findProgram("npm") ?? "npm")))

const devices = ["null", "zero", "full", "random", "urandom"]

/** Fills a folder; `node` is the Node that it gets. */
export const make = (root: string, node: string): void => {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(root, "usr", name), { recursive: true })
    symlinkSync(`usr/${name}`, join(root, name))
  }
  for (const name of ["app", "dev", "etc", "packed", "proc", "root", "run", "usr/local/bin", "usr/local/lib"]) {
    mkdirSync(join(root, name), { recursive: true })
  }
  mkdirSync(join(root, "tmp"), { mode: 0o1777 })
  for (const name of devices) writeFileSync(join(root, "dev", name), "")
  for (const name of programs) install(root, findProgram(name) ?? name, `/usr/bin/${name}`)
  install(root, node, "/usr/local/bin/node")
  cpSync(npmFolder(), join(root, "usr/local/lib/node_modules/npm"), { recursive: true })
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/local/bin/npm"))
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")
  writeFileSync(join(root, "etc/group"), "root:x:0:\n")
  for (const file of ["/etc/hosts", "/etc/resolv.conf", ...certificates]) place(root, file, file)
}

/** What the system trusts, which a registry behind a proxy may need; not every system has it there. */
const certificates = [process.env["NODE_EXTRA_CA_CERTS"] ?? "/etc/ssl/certs/ca-certificates.crt"].filter((file) =>
  existsSync(file)
)

/** How npm reaches its registry from here. */
export const registryEnvironment = (): Readonly<Record<string, string>> => {
  const passed = Object.entries(process.env).filter(([name]) => /^(?:https?_proxy|no_proxy)$/i.test(name))
  return {
    ...Object.fromEntries(passed.map(([name, value = ""]) => [name, value])),
    npm_config_registry: output("npm", "config", "get", "registry").trim(),
    ...Object.fromEntries(certificates.map((file) => ["NODE_EXTRA_CA_CERTS", file])),
    // A registry that cannot be reached is told soon.
    npm_config_fetch_retries: "1",
    npm_config_cache: "/tmp/npm"
  }
}

/** Where and as whom a program is to run. */
export interface Place {
  readonly root: string
  readonly directory: string
  /** Numbers of user and group, such as 10001:10001. */
  readonly user: string
  /** Whether nothing can be written, but in folders of `memory`. */
  readonly isReadOnly?: boolean
  /** Folders that are in memory. */
  readonly memory?: ReadonlyArray<string>
  /** Their permissions, 1777 unless others are given. */
  readonly memoryMode?: string
}

const enter = `
root=$1 user=$2 mode=$3 memory=$4 memoryMode=$5
shift 5
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
for name in ${devices.join(" ")}; do mount --bind "/dev/$name" "$root/dev/$name"; done
if test "$mode" = ro; then mount -o remount,bind,ro "$root"; fi
for folder in $memory; do mount -t tmpfs -o mode="$memoryMode" tmpfs "$root$folder"; done
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$@"
`

/** The command that runs another one there, as process 1. */
export const commandIn = (place: Place, command: ReadonlyArray<string>): readonly [string, ReadonlyArray<string>] => {
  const { directory, isReadOnly = false, memory = [], memoryMode = "1777", root, user } = place
  const args = [root, user, isReadOnly ? "ro" : "rw", memory.join(" "), memoryMode, directory, ...command]
  return [unshare, [...namespaces, "/bin/sh", "-ec", enter, "enter", ...args]]
}
