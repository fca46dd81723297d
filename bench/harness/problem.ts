/** Stops the run with one line for the person who started it. */
export class BenchmarkProblem extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

export const usageExitCode = 2
