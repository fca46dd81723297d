/** What of this machine the chat needs: programs, free ports, a folder, and somebody who cleans up. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"

/** Programs that are not installed. */
export class ProgramsMissing extends Schema.TaggedError<ProgramsMissing>()("ProgramsMissing", {
  names: Schema.Array(Schema.String)
}) {
  override get message(): string {
    // Debian's packages have the names of the programs.
    const names = this.names.join(" ")
    return `not installed: ${this.names.join(" and ")}; on Debian and Ubuntu: apt install ${names}`
  }
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where programs are; servers are often in folders that the PATH of a user lacks. */
export const findPrograms = <const Name extends string>(
  ...names: ReadonlyArray<Name>
): Effect.Effect<Readonly<Record<Name, string>>, ProgramsMissing> =>
  Effect.suspend(() => {
    const path = process.env["PATH"] ?? ""
    const folders = [...path.split(delimiter).filter((folder) => folder !== ""), "/usr/sbin", "/usr/local/sbin"]
    const found = names.map((name) => [name, folders.map((folder) => join(folder, name)).find(isExecutable)] as const)
    const missing = found.flatMap(([name, path]) => (path === undefined ? [name] : []))
    if (missing.length > 0) return Effect.fail(new ProgramsMissing({ names: missing }))
    // Each name has a path by now, which the type of entries does not say.
    return Effect.succeed(Object.fromEntries(found) as Record<Name, string>)
  })

/** A folder for this user alone, which is removed with the scope. */
export const privateFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "pagi-chat-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Ends the groups of processes that run when this program is killed, which then cannot do it. */
export interface Guard {
  readonly begun: (group: number) => void
  readonly ended: (group: number) => void
}

/** Ends with the scope, when nothing is left. It removes the folder as well. */
export const startGuard = (folder: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const args = [join(import.meta.dirname, "guard.ts"), folder]
      const child = spawn(process.execPath, args, { detached: true, stdio: ["pipe", "ignore", "inherit"] })
      const end = new Promise<void>((resolve) => void child.on("exit", () => resolve()).on("error", () => resolve()))
      // Somebody may have ended it.
      child.stdin.on("error", () => {})
      const tell = (number: number) => void child.stdin.write(`${number}\n`)
      return { begun: tell, ended: (group: number) => tell(-group), stop: () => (child.stdin.end(), end) }
    }),
    ({ stop }) => Effect.promise(stop)
  )

/** Ports of the loopback interface that were free a moment ago, each another one. */
export const freePorts = (count: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.promise(async () => {
    const listeners = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"))
    const ports = await Promise.all(
      listeners.map(
        (listener) =>
          new Promise<number>((resolve, reject) => {
            listener.on("error", reject).on("listening", () => {
              const address = listener.address()
              resolve(typeof address === "object" && address !== null ? address.port : Number.NaN)
            })
          })
      )
    )
    await Promise.all(listeners.map((listener) => new Promise((resolve) => void listener.close(resolve))))
    return ports
  })
