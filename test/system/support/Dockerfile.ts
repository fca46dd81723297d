/** Reads Dockerfiles, as far as those of the documentation go: whatever else is in one is an error. */

/** One instruction, such as `RUN npm ci`. */
export interface Instruction {
  readonly name: string
  readonly text: string
}

/** The instructions of a Dockerfile in their order. */
export const parse = (source: string): ReadonlyArray<Instruction> =>
  source
    .split("\n")
    .filter((line) => !/^\s*(?:#|$)/.test(line))
    .join("\n")
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .map((line) => {
      const [, name, text] = /^([A-Z]+) +(.+)$/.exec(line) ?? []
      if (name === undefined || text === undefined) throw new Error(`no instruction: ${line}`)
      return { name, text: text.trim() }
    })

/** The words of an instruction's JSON form, such as `["pagi-server", "health"]`. */
export const words = (text: string): ReadonlyArray<string> => {
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value)) throw new Error(`no list: ${text}`)
  return value.map(String)
}

/** What containers of an image run, and how. */
export interface Image {
  readonly root: string
  readonly environment: Readonly<Record<string, string>>
  readonly directory: string
  readonly user: string
  readonly entrypoint: ReadonlyArray<string>
  readonly command: ReadonlyArray<string>
  readonly health: ReadonlyArray<string>
  readonly stopSignal: string
}

/** What building an image takes that depends on the machine. */
export interface Builder {
  /** Makes the root of an image that another one, such as `node:24-slim`, is made from. */
  readonly from: (image: string) => string
  /** Copies within roots, or from the folder that is built. */
  readonly copy: (from: string, to: string) => void
  /** Runs a line of the shell in an image that is being built. */
  readonly run: (image: Image, line: string) => void
}

const join = (...parts: ReadonlyArray<string>): string => parts.join("/").replaceAll(/\/(?:\.?\/)+/g, "/")

const inImage = (image: Image, path: string): string =>
  join(image.root, path.startsWith("/") ? path : join(image.directory, path))

/** Follows one instruction after the other; answers with the last stage. */
export const build = (source: string, folder: string, builder: Builder): Image => {
  const stages = new Map<string, Image>()
  let image: Image | undefined
  for (const { name, text } of parse(source)) {
    if (name === "FROM") {
      const [, base = "", stage = ""] = /^(\S+)(?: AS (\S+))?$/.exec(text) ?? []
      image = { ...empty, root: builder.from(base) }
      if (stage !== "") stages.set(stage, image)
    } else if (image === undefined) throw new Error(`${name} before FROM`)
    else image = follow(image, { name, text })
  }
  if (image === undefined) throw new Error("no FROM")
  return image

  function follow(now: Image, { name, text }: Instruction): Image {
    switch (name) {
      case "WORKDIR":
        return { ...now, directory: text }
      case "ENV":
        return { ...now, environment: { ...now.environment, ...variables(text) } }
      case "USER":
        return { ...now, user: text }
      case "STOPSIGNAL":
        return { ...now, stopSignal: text }
      case "ENTRYPOINT":
        return { ...now, entrypoint: words(text) }
      case "CMD":
        return { ...now, command: words(text) }
      case "HEALTHCHECK":
        return { ...now, health: words(text.replace(/^(?:--\S+ +)*CMD +/, "")) }
      case "COPY":
        copy(now, text)
        return now
      case "RUN":
        builder.run(now, text)
        return now
      case "EXPOSE":
        return now
      default:
        throw new Error(`not known here: ${name}`)
    }
  }

  function copy(now: Image, text: string): void {
    const [, stage, paths = text] = /^--from=(\S+) +(.+)$/.exec(text) ?? []
    const source = stage === undefined ? undefined : stages.get(stage)
    if (stage !== undefined && source === undefined) throw new Error(`no stage ${stage}`)
    const all = paths.split(/ +/)
    for (const path of all.slice(0, -1)) {
      const to = all.at(-1) ?? ""
      const target = to.endsWith("./") || to === "." ? join(to, path.replace(/^.*\//, "")) : to
      builder.copy(source === undefined ? join(folder, path) : inImage(source, path), inImage(now, target))
    }
  }
}

const empty: Image = {
  root: "",
  environment: {},
  directory: "/",
  user: "0:0",
  entrypoint: [],
  command: [],
  health: [],
  stopSignal: "SIGTERM"
}

const variables = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text.split(/ +/).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])
  )
