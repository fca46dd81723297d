import { assert, describe, it } from "@effect/vitest"
import { tcp } from "@pagi/core/Endpoint"
import { LifespanError } from "@pagi/core/exchange/Lifespan"
import { InvalidOption } from "@pagi/core/ServerOptions"
import { AccessLogError } from "@pagi/node/accessLog/AccessLogFile"
import { IncompleteDrain } from "@pagi/node/IncompleteDrain"
import { ListenError } from "@pagi/node/accept/ListenError"
import * as StartFailure from "@pagi/node/pool/StartFailure"
import { TlsError } from "@pagi/node/tls/TlsError"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { AppLoadError, BuildFailed, FileMissing } from "../../src/application/AppLoadError.ts"
import { RootError } from "../../src/directory/Directory.ts"
import * as ExitCode from "../../src/program/ExitCode.ts"
import { UsageError } from "../../src/plan/ServerValues.ts"

describe("ExitCode", () => {
  it("tells foreseen failures apart", () => {
    const codes = [
      [new CliError.ShowHelp({ commandPath: [], errors: [] }), 2],
      [new InvalidOption({ option: "--port", value: "x", expected: "a number" }), 2],
      [new UsageError({ message: "" }), 2],
      [new TlsError({ what: "certificate", subject: "a.crt", detail: "" }), 2],
      [new AccessLogError({ path: "a.log", code: "EACCES" }), 2],
      [new ListenError({ endpoint: tcp("::1", 80), code: "EACCES" }), 3],
      [new AppLoadError({ path: "a.ts", reason: new FileMissing({ message: "it is a directory" }) }), 4],
      [new RootError({ root: "/", detail: "" }), 4],
      [new LifespanError({ phase: "startup", detail: "" }), 5],
      [new IncompleteDrain({ connections: 1, shutdownTimeout: Duration.seconds(1) }), 6],
      [new Error("something else"), 1],
      ["text", 1]
    ] as const
    for (const [error, code] of codes) assert.strictEqual(ExitCode.ofExit(Exit.fail(error)), code)
  })

  it("a defect is an internal fault, whatever else there is", () => {
    assert.strictEqual(ExitCode.ofExit(Exit.die(new UsageError({ message: "" }))), 1)
    assert.strictEqual(ExitCode.ofExit(Exit.failCause(Cause.combine(Cause.interrupt(), Cause.die("defect")))), 1)
  })

  it("a server that is stopped has done what it should", () => {
    assert.strictEqual(ExitCode.ofExit(Exit.void), 0)
    assert.strictEqual(ExitCode.ofExit(Exit.interrupt()), 0)
  })

  it("unless it had to cut off requests", () => {
    const incomplete = Cause.fail(new IncompleteDrain({ connections: 2, shutdownTimeout: Duration.seconds(1) }))
    assert.strictEqual(ExitCode.ofExit(Exit.failCause(Cause.combine(Cause.interrupt(), incomplete))), 6)
  })

  it("of a worker says too what may become right by itself", () => {
    const [file, port] = [new AccessLogError({ path: "a.log", code: "ENOENT" }), tcp("::1", 80)]
    const load = new AppLoadError({ path: "a.ts", reason: new FileMissing({ message: "it is a directory" }) })
    const build = (mayPass: boolean) =>
      new AppLoadError({ path: "a.ts", reason: new BuildFailed({ subject: "it", detail: "", mayPass }) })
    for (const [error, code, mayPass] of [
      [file, 2, true],
      [new TlsError({ what: "certificate", subject: "a.crt", detail: "" }), 2, true],
      [new ListenError({ endpoint: port, code: "EADDRINUSE" }), 3, true],
      [new RootError({ root: "/", detail: "" }), 4, true],
      [new LifespanError({ phase: "startup", detail: "" }), 5, true],
      [new InvalidOption({ option: "--port", value: "x", expected: "a number" }), 2, false],
      [build(true), 4, true],
      [build(false), 4, false],
      [load, 4, false]
    ] as const) {
      assert.deepStrictEqual(StartFailure.ofExitCode(ExitCode.ofWorkerExit(Exit.fail(error))), { code, mayPass })
    }
    for (const exit of [Exit.void, Exit.interrupt(), Exit.die(file), Exit.fail("text")]) {
      assert.strictEqual(ExitCode.ofWorkerExit(exit), ExitCode.ofExit(exit))
      assert.isUndefined(StartFailure.ofExitCode(ExitCode.ofWorkerExit(exit)))
    }
  })
})
