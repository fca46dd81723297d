/**
 * Starts workers ahead of time: one process waits that has loaded all but the application (`SpareWorker`), and becomes the
 * next worker. So a reload takes as long as the application takes to load.
 */
import type { Child, ChildCommand, ChildListener } from "@pagi/node/supervisor/ChildProcesses"
import { join } from "node:path"
import * as Installation from "../program/Installation.ts"
import * as FileVersion from "./FileVersion.ts"
import { spareVariable } from "./SpareVariable.ts"

type Start = (command: ChildCommand, listener: ChildListener) => Child

/** Files that change when packages are installed: a process that was started before has loaded others. */
const ofPackages = [".package-lock.json", ".modules.yaml", ".yarn-state.yml"]

const packagesVersion = (): string =>
  [Installation.manifest, ...ofPackages.map((name) => join("node_modules", name))].map(FileVersion.of).join()

/** What a spare worker and the one that is asked for must have in common. */
const kindOf = ({ args, descriptors, file }: ChildCommand): string => JSON.stringify([file, args, descriptors])

interface Spare {
  readonly child: Child
  readonly kind: string
  readonly packages: string
  /** Who is told of it from now on. */
  listener: ChildListener | undefined
}

/** Starts programs, workers among them, for which there may be a spare process. */
export class SpareWorkers {
  readonly #start: Start
  readonly #packagesVersion: () => string
  /** How the last worker was started. */
  #command: ChildCommand | undefined = undefined
  #spare: Spare | undefined = undefined
  #hasEnded = false

  constructor(start: Start, version: () => string = packagesVersion) {
    this.#start = start
    this.#packagesVersion = version
  }

  /** Starts a program; a worker may be the spare one, which begins when it is told its environment. */
  readonly start: Start = (command, listener) => {
    if (!command.descriptors.includes("ipc")) return this.#start(command, listener)
    this.#command = command
    const spare = this.#spare
    if (spare === undefined) return this.#start(command, listener)
    this.#spare = undefined
    if (spare.kind !== kindOf(command) || spare.packages !== this.#packagesVersion()) {
      spare.child.kill("SIGKILL")
      return this.#start(command, listener)
    }
    spare.listener = listener
    spare.child.send({ type: "begin", environment: command.environment, directory: process.cwd() })
    return spare.child
  }

  /** Has a spare worker for the next time; to be called when a worker serves, and there is time. */
  prepare(): void {
    if (this.#hasEnded || this.#spare !== undefined || this.#command === undefined) return
    const { PAGI_WORKER: _, ...environment } = this.#command.environment
    const command = { ...this.#command, environment: { ...environment, [spareVariable]: "1" } }
    const forget = (): void => {
      if (this.#spare === spare) this.#spare = undefined
    }
    const child = this.#start(command, {
      onMessage: (message) => spare.listener?.onMessage(message),
      onFailure: (reason) => spare.listener?.onFailure(reason),
      onExit: (code, signal) => {
        forget()
        spare.listener?.onExit(code, signal)
      },
      onDisconnect: () => {
        forget()
        spare.listener?.onDisconnect?.()
      }
    })
    const spare: Spare = { child, kind: kindOf(command), packages: this.#packagesVersion(), listener: undefined }
    this.#spare = spare
  }

  /** Ends the spare worker, since what it has loaded may have changed. */
  discard(): void {
    this.#spare?.child.kill("SIGKILL")
    this.#spare = undefined
  }

  /** There is to be none any more. */
  end(): void {
    this.#hasEnded = true
    this.discard()
  }
}
