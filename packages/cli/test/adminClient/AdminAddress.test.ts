import { assert, describe, it } from "@effect/vitest"
import { tcp, unix } from "@pagi/core/options/Endpoint"
import * as AdminAddress from "../../src/adminClient/AdminAddress.ts"

describe("AdminAddress", () => {
  it("reads addresses as the option has them, and as URLs", () => {
    assert.deepStrictEqual(AdminAddress.parse("127.0.0.1:9090"), tcp("127.0.0.1", 9090))
    assert.deepStrictEqual(AdminAddress.parse("http://localhost:9090/"), tcp("localhost", 9090))
    assert.deepStrictEqual(AdminAddress.parse("http://localhost"), tcp("localhost", 80))
    assert.deepStrictEqual(AdminAddress.parse("http://[::1]:9090"), tcp("::1", 9090))
    assert.deepStrictEqual(AdminAddress.parse("/run/admin.sock"), unix("/run/admin.sock"))
    assert.deepStrictEqual(AdminAddress.parse("unix:/run/admin.sock"), unix("/run/admin.sock"))
    assert.isUndefined(AdminAddress.parse("http://localhost/status"))
  })
})
