import type {
  Child,
  ChildCommand,
  ChildListener,
  ChildProcesses,
  KillSignal
} from "../../../src/supervisor/ChildProcesses.ts"

/** A process that there is not: a test says what it does. */
export class FakeChild implements Child {
  readonly pid: number
  readonly command: ChildCommand
  readonly messages: Array<object> = []
  readonly signals: Array<KillSignal> = []
  hasExited = false
  /** Whether it exits when it is asked to. */
  isObedient = true
  /** Whether it takes what it is sent. */
  isReading = true
  readonly #listener: ChildListener

  constructor(pid: number, command: ChildCommand, listener: ChildListener) {
    this.pid = pid
    this.command = command
    this.#listener = listener
  }

  send(message: object, onSent: () => void = () => {}): void {
    this.messages.push(message)
    if (this.isReading) onSent()
  }

  /** What was written into its pipe. */
  readonly written: Array<string> = []

  write(text: string, onWritten: () => void = () => {}): void {
    this.written.push(text)
    if (this.isReading) onWritten()
  }

  kill(signal: KillSignal): void {
    if (this.hasExited) return
    this.signals.push(signal)
    if (signal === "SIGKILL") this.exit(null, signal)
    else if (this.isObedient) this.exit(0)
  }

  say(message: unknown): void {
    this.#listener.onMessage(message)
  }

  ready(): void {
    this.say({ type: "ready" })
  }

  status(connections = 0): void {
    this.say({ type: "status", requests: 7, connections, lag: 1.5, memory: 1000 })
  }

  /** Could not be started at all. */
  fail(reason: string): void {
    this.#listener.onFailure(reason)
    this.exit(null)
  }

  exit(code: number | null, signal: string | null = null): void {
    if (this.hasExited) return
    this.hasExited = true
    this.#listener.onExit(code, signal)
  }

  get workerNum(): number | undefined {
    const text = this.command.environment["PAGI_WORKER"]
    return text === undefined ? undefined : JSON.parse(text).num
  }

  get isSuccessor(): boolean {
    return this.command.environment["PAGI_READY_FD"] !== undefined
  }
}

/** All processes that were started. */
export class FakeProcesses {
  readonly all: Array<FakeChild> = []

  readonly service: (typeof ChildProcesses)["Service"] = {
    start: (command, listener) => {
      const child = new FakeChild(1000 + this.all.length, command, listener)
      this.all.push(child)
      return child
    }
  }

  get workers(): ReadonlyArray<FakeChild> {
    return this.all.filter(({ isSuccessor }) => !isSuccessor)
  }

  get successors(): ReadonlyArray<FakeChild> {
    return this.all.filter(({ isSuccessor }) => isSuccessor)
  }

  get living(): ReadonlyArray<FakeChild> {
    return this.all.filter(({ hasExited }) => !hasExited)
  }

  /** The one of this number that was started last. */
  worker(workerNum: number): FakeChild {
    const worker = this.workers.findLast((worker) => worker.workerNum === workerNum)
    if (worker === undefined) throw new Error(`there was never a worker ${workerNum}`)
    return worker
  }

  successor(): FakeChild {
    const successor = this.successors.at(-1)
    if (successor === undefined) throw new Error("there was never a successor")
    return successor
  }
}
