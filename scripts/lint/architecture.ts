/**
 * The architecture of docs/architecture.md as a function: may this file import that module?
 * The lint rule `pagi/boundaries` asks it for every import, so a shortcut between layers fails `npm run lint`.
 */
import { readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join, posix } from "node:path"

interface Package {
  /** The workspace packages below this one. */
  readonly below: ReadonlyArray<string>
  /** The published packages that it may use. */
  readonly outside: ReadonlyArray<string>
  /** Whether it may use Node's own modules. */
  readonly onNode: boolean
}

const portable = { outside: ["effect"], onNode: false }
const onNode = { outside: ["effect", "@effect/platform-node"], onNode: true }

/** cli → node → http1, http2, websocket → core → effect */
const packages: Readonly<Record<string, Package>> = {
  core: { below: [], ...portable },
  http1: { below: ["core"], ...portable },
  http2: { below: ["core"], ...portable },
  websocket: { below: ["core"], ...portable },
  node: { below: ["core", "http1", "http2", "websocket"], ...onNode },
  cli: { below: ["core", "http1", "http2", "websocket", "node"], ...onNode }
}

/** Packages whose code takes the time from Effect's Clock and nothing else. */
export const clockedPackages = Object.keys(packages).filter((name) => packages[name]?.onNode === false)

/** Rooms of core that are as pure as a protocol machine, so that the machines may use them. */
const leafRooms = ["bytes", "http"]

/** Rooms that are as pure, and import nothing but their own files. */
const pureRooms = ["packages/node/src/pool/"]

/** What the server does with clients, whatever they came by. */
const acceptRoom = "packages/node/src/accept/"

/** The rooms that it knows: its own, and that which brings zlib to WebSockets. */
const roomsForAccept = [acceptRoom, "packages/node/src/compression/"]

/** Barrels cost every process that loads them tens of milliseconds and MiB. */
const barrels: ReadonlySet<string> = new Set(["effect", "@effect/platform-node"])

const packageNameOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

type DependencyField = "dependencies" | "peerDependencies" | "devDependencies"

const installedFields: ReadonlyArray<DependencyField> = ["dependencies", "peerDependencies"]

const declaredDependencies = new Map<string, ReadonlySet<string>>()

/**
 * What the package's manifest says that it depends on; the workspace would resolve more than a user's install. The command
 * is published as a bundle, so what it alone needs is a development dependency.
 */
const dependenciesOf = (name: string): ReadonlySet<string> => {
  let declared = declaredDependencies.get(name)
  if (declared === undefined) {
    const manifest = JSON.parse(
      readFileSync(join(import.meta.dirname, "../../packages", name, "package.json"), "utf8")
    ) as { readonly [field in DependencyField]?: Readonly<Record<string, string>> }
    const fields = name === "cli" ? [...installedFields, "devDependencies" as const] : installedFields
    declared = new Set(fields.flatMap((field) => Object.keys(manifest[field] ?? {})))
    declaredDependencies.set(name, declared)
  }
  return declared
}

const isRelative = (specifier: string): boolean => specifier.startsWith("./") || specifier.startsWith("../")

/** The file in the repository that a relative specifier means. */
const targetOf = (file: string, specifier: string): string => posix.join(dirname(file), specifier)

/** The folder up to and including `protocol/`, of a file of a protocol machine. */
const machineOf = (file: string): string | undefined => /^packages\/[^/]+\/src\/(?:.+\/)?protocol\//.exec(file)?.[0]

const isLeafModule = (file: string): boolean => leafRooms.some((room) => file.startsWith(`packages/core/src/${room}/`))

const machineProblem = (machine: string, file: string, specifier: string): string | undefined => {
  if (isRelative(specifier)) {
    return targetOf(file, specifier).startsWith(machine)
      ? undefined
      : `a protocol machine is complete in itself: it imports no file outside ${machine}`
  }
  return leafRooms.some((room) => specifier.startsWith(`@pagi/core/${room}/`))
    ? undefined
    : `a protocol machine imports its own files and @pagi/core/{${leafRooms.join(",")}}/*, nothing else`
}

const pureProblem = (room: string, file: string, specifier: string): string | undefined =>
  isRelative(specifier) && targetOf(file, specifier).startsWith(room)
    ? undefined
    : `${room} is a plan without Effect and Node: it imports its own files only`

const acceptProblem = (file: string, specifier: string): string | undefined => {
  const isKnown = isRelative(specifier)
    ? roomsForAccept.some((room) => targetOf(file, specifier).startsWith(room))
    : !isBuiltin(specifier)
  return isKnown ? undefined : `${acceptRoom} knows no sockets, nor the rooms of those that do`
}

const leafProblem = (file: string, specifier: string): string | undefined =>
  isRelative(specifier) && isLeafModule(targetOf(file, specifier))
    ? undefined
    : "protocol machines use this module, so it imports nothing but its like"

const sourceProblem = (name: string, rules: Package, specifier: string): string | undefined => {
  if (isBuiltin(specifier)) {
    return rules.onNode ? undefined : `@pagi/${name} does not depend on Node; only @pagi/node and @pagi/cli do`
  }
  if (barrels.has(specifier)) {
    return `importing the whole of "${specifier}" is slow to load; name the module, as in "${specifier}/…"`
  }
  const dependency = packageNameOf(specifier)
  if (!dependency.startsWith("@pagi/") && !rules.outside.includes(dependency)) {
    return `@pagi/${name} depends on ${rules.outside.join(" and ")} only`
  }
  return dependenciesOf(name).has(dependency)
    ? undefined
    : `"${dependency}" is missing from the dependencies in packages/${name}/package.json`
}

/** What is wrong with `specifier` in `file` (a path from the repository's root), if anything. */
export const importProblem = (file: string, specifier: string): string | undefined => {
  const [, name, area] = /^packages\/([^/]+)\/([^/]+)\//.exec(file) ?? []
  const rules = name === undefined ? undefined : packages[name]

  if (isRelative(specifier)) {
    const [, target] = /^packages\/([^/]+)\//.exec(targetOf(file, specifier)) ?? []
    if (target !== undefined && target !== name) return `reach @pagi/${target} by its name, not by a path`
  }

  if (name === undefined || rules === undefined) return undefined
  const [, sibling] = /^@pagi\/([^/]+)/.exec(specifier) ?? []
  if (sibling !== undefined && !rules.below.includes(sibling)) {
    return sibling === name
      ? "a package imports its own modules by a relative path"
      : `@pagi/${name} stands ${packages[sibling]?.below.includes(name) ? "below" : "beside"} @pagi/${sibling} and does not know it`
  }
  if (area !== "src") return undefined

  const machine = machineOf(file)
  if (machine !== undefined) return machineProblem(machine, file, specifier)
  const pureRoom = pureRooms.find((room) => file.startsWith(room))
  if (pureRoom !== undefined) return pureProblem(pureRoom, file, specifier)
  if (isLeafModule(file)) return leafProblem(file, specifier)
  const problem = file.startsWith(acceptRoom) ? acceptProblem(file, specifier) : undefined
  if (problem !== undefined) return problem
  return isRelative(specifier) ? undefined : sourceProblem(name, rules, specifier)
}
