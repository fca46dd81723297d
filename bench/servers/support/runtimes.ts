/** What the servers for other runtimes use of their globals; the packages with all types would come into every program here. */

export type Answer = (request: Request) => Response | Promise<Response>

export interface BunGlobal {
  readonly serve: (options: {
    readonly port: number
    readonly hostname: string
    /** Seconds. */
    readonly idleTimeout: number
    readonly fetch: Answer
  }) => unknown
}

export interface DenoGlobal {
  readonly serve: (
    options: { readonly port: number; readonly hostname: string; readonly onListen: () => void },
    answer: Answer
  ) => unknown
}
