import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { assertNotQuadratic } from "../../../../test/support/Growth.ts"
import { all, type ForwardedField } from "../../src/options/ForwardedFields.ts"
import { Forwarding } from "../../src/server/Forwarding.ts"

type Fields = ReadonlyArray<readonly [string, string]>

const proxy = { client: ["10.0.0.1", 40_000], server: ["10.0.0.9", 8080], secure: false, tls: undefined } as const
const isTrusted = ({ client }: { readonly client: readonly [string, number | null] | undefined }) =>
  client === undefined || client[0].startsWith("10.")

/** What the application is told: client, whether by TLS, host and prefix. */
const told = (
  fields: Fields,
  believed: ReadonlyArray<ForwardedField> = all,
  connection: Parameters<Forwarding["resolve"]>[1] = proxy
) => {
  const head: { readonly headers: Fields; readonly rootPath?: string } = {
    headers: [["host", "inner:8080"], ...fields]
  }
  const resolved = new Forwarding(isTrusted, believed).resolve(head, connection)
  const { client, secure } = resolved?.connection ?? connection
  const { headers, rootPath } = resolved?.head ?? head
  const hosts = headers.filter(([name]) => name === "host").map(([, value]) => value)
  return [client === undefined ? "unix" : client.join("|"), secure, hosts.join(), rootPath ?? "-"]
}

const xff = (value: string): readonly [string, string] => ["x-forwarded-for", value]
const forwarded = (value: string): readonly [string, string] => ["forwarded", value]

describe("Forwarding", () => {
  it("leaves what others say as it is", () => {
    const stranger = { ...proxy, client: ["192.0.2.1", 5] } as const
    const fields: Fields = [xff("1.1.1.1"), ["x-forwarded-proto", "https"], forwarded("for=1.1.1.1;host=evil")]
    assert.isUndefined(new Forwarding(isTrusted, all).resolve({ headers: fields }, stranger))
    assert.isUndefined(new Forwarding(isTrusted, all).resolve({ headers: [["host", "a"]] }, proxy))
  })

  it.each<readonly [ReadonlyArray<string>, string]>([
    [["192.0.2.7"], "192.0.2.7|0"],
    [["6.6.6.6, 192.0.2.7"], "192.0.2.7|0"],
    [["6.6.6.6, 192.0.2.7:99, 10.2.2.2"], "192.0.2.7|99"],
    [["6.6.6.6", "192.0.2.7", "10.2.2.2"], "192.0.2.7|0"],
    [[" , 192.0.2.7,, ,10.2.2.2, "], "192.0.2.7|0"],
    [["10.3.3.3, 10.2.2.2"], "10.3.3.3|0"],
    [["::ffff:10.2.2.2, 10.4.4.4"], "10.2.2.2|0"],
    [["6.6.6.6, unknown, 10.2.2.2"], "10.2.2.2|0"],
    [["6.6.6.6, _secret"], "10.0.0.1|40000"],
    [["6.6.6.6, not an address"], "10.0.0.1|40000"],
    [["192.0.2.7, unix:"], "192.0.2.7|0"],
    [["[2001:db8::7]:443, 10.2.2.2"], "2001:db8::7|443"],
    [[""], "10.0.0.1|40000"]
  ])("the client of %j is %s", (values, client) => {
    assert.strictEqual(told(values.map(xff))[0], client)
  })

  it.each<readonly [ReadonlyArray<string>, ReadonlyArray<unknown>]>([
    [["for=192.0.2.7;proto=https;host=example.org"], ["192.0.2.7|0", true, "example.org"]],
    [["for=6.6.6.6;host=evil, for=192.0.2.7;proto=https"], ["192.0.2.7|0", true, "inner:8080"]],
    [
      ["for=6.6.6.6", 'for="192.0.2.7:5";host=a', "for=10.2.2.2;host=b;proto=https"],
      ["192.0.2.7|5", false, "a"]
    ],
    [['for="[2001:db8::7]:_p"'], ["2001:db8::7|0", false, "inner:8080"]],
    [["for=6.6.6.6, for=_x;host=a, for=10.2.2.2"], ["10.2.2.2|0", false, "a"]],
    [["for=6.6.6.6, for=unknown;proto=https"], ["10.0.0.1|40000", true, "inner:8080"]],
    [["for=6.6.6.6, proto=https;host=a"], ["10.0.0.1|40000", true, "a"]],
    [['for="6.6.6.6, for=192.0.2.7;host=a'], ["192.0.2.7|0", false, "a"]],
    [['for=6.6.6.6, for=", for=10.2.2.2;proto=https'], ["10.2.2.2|0", true, "inner:8080"]],
    [["for=192.0.2.7;host=a b"], ["10.0.0.1|40000", false, "inner:8080"]],
    [['for=192.0.2.7;host="a@b"'], ["192.0.2.7|0", false, "inner:8080"]]
  ])("Forwarded: %j is %j", (values, expected) => {
    assert.deepStrictEqual(told(values.map(forwarded)).slice(0, 3), expected)
  })

  it("takes scheme, host, port and prefix from the hop of the client, or else from the nearest", () => {
    const three: Fields = [
      xff("6.6.6.6, 192.0.2.7, 10.2.2.2"),
      ["x-forwarded-proto", "http, https, http"],
      ["x-forwarded-host", "evil, example.org, middle"],
      ["x-forwarded-prefix", "/evil, /shop/, /no"]
    ]
    assert.deepStrictEqual(told(three), ["192.0.2.7|0", true, "example.org", "/shop"])
    const shorter: Fields = [
      xff("6.6.6.6, 192.0.2.7, 10.2.2.2"),
      ["x-forwarded-proto", "http, https"],
      ["x-forwarded-host", "evil, a"]
    ]
    assert.deepStrictEqual(told(shorter), ["192.0.2.7|0", true, "a", "-"])
    assert.deepStrictEqual(told([["x-forwarded-proto", "WSS"]]), ["10.0.0.1|40000", true, "inner:8080", "-"])
    assert.deepStrictEqual(told([["x-forwarded-proto", "gopher"]]), ["10.0.0.1|40000", false, "inner:8080", "-"])
    assert.deepStrictEqual(told([["x-forwarded-proto", "http"]], all, { ...proxy, secure: true })[1], false)
  })

  it.each<readonly [string, string, string, string]>([
    ["example.org", "8443", "https", "example.org:8443"],
    ["example.org", "443", "https", "example.org"],
    ["example.org", "80", "http", "example.org"],
    ["example.org", "443", "http", "example.org:443"],
    ["example.org:99", "8443", "https", "example.org:99"],
    ["[::1]", "8443", "https", "[::1]:8443"],
    ["[::1]:1", "8443", "https", "[::1]:1"],
    ["example.org", "0", "https", "example.org"],
    ["example.org", "65536", "https", "example.org"],
    ["example.org", "8x", "https", "example.org"],
    ["a b", "8443", "https", "inner:8080"],
    ["a/b", "443", "https", "inner:8080"],
    ["", "443", "https", "inner:8080"]
  ])("host %j with port %s by %s is %s", (host, port, proto, expected) => {
    const fields: Fields = [
      ["x-forwarded-host", host],
      ["x-forwarded-port", port],
      ["x-forwarded-proto", proto]
    ]
    assert.strictEqual(told(fields)[2], expected)
  })

  it("does not take a prefix that would lead elsewhere", () => {
    for (const prefix of ["//evil.example", "/../a", "http://evil", "/a\\b", "shop"]) {
      assert.strictEqual(told([["x-forwarded-prefix", prefix]])[3], "-", prefix)
    }
    assert.strictEqual(told([["x-forwarded-prefix", "/"]])[3], "")
  })

  it("prefers the fields that begin with X-Forwarded, and reads only those that count", () => {
    const both: Fields = [xff("192.0.2.7"), forwarded("for=6.6.6.6;proto=https;host=evil")]
    assert.deepStrictEqual(told(both), ["192.0.2.7|0", false, "inner:8080", "-"])
    assert.deepStrictEqual(told(both, ["forwarded"]), ["6.6.6.6|0", true, "evil", "-"])
    assert.deepStrictEqual(told(both, ["proto", "host"]), ["10.0.0.1|40000", false, "inner:8080", "-"])
    const prefixed: Fields = [["x-forwarded-prefix", "/a"], forwarded("for=192.0.2.7")]
    assert.deepStrictEqual(told(prefixed), ["192.0.2.7|0", false, "inner:8080", "/a"])
  })

  it("tells who the proxy is, and leaves all other fields as they are", () => {
    const head = {
      method: "GET",
      headers: [["host", "a"], xff("192.0.2.7"), ["x-forwarded-host", "b"], ["c", "1"]] as Fields
    }
    const resolved = new Forwarding(isTrusted, all).resolve(head, proxy)
    assert.deepStrictEqual(resolved?.connection.peer, ["10.0.0.1", 40_000])
    assert.deepStrictEqual(resolved?.connection.server, ["10.0.0.9", 8080])
    assert.deepStrictEqual(resolved?.head, {
      method: "GET",
      headers: [["host", "b"], xff("192.0.2.7"), ["x-forwarded-host", "b"], ["c", "1"]]
    })
    assert.lengthOf(head.headers, 4)
    assert.strictEqual(
      new Forwarding(isTrusted, all).resolve({ headers: [xff("1.1.1.1")] }, proxy)?.head.headers.length,
      1
    )
  })

  it.each<readonly [sent: string, told: string, host: string]>([
    ["evil.example", "localhost", "evil.example"],
    ["evil.example:8080", "127.0.0.1:8080", "evil.example:8080"],
    ["evil.example", "shop.test", "evil.example"],
    ["evil.example", "example.org", "example.org"],
    ["localhost:8080", "shop.test", "shop.test"],
    ["inner", "example.org", "example.org"]
  ])("in development, %s with %s told is for %s", (sent, told, host) => {
    const forwarding = new Forwarding(isTrusted, all, true)
    for (const field of [["x-forwarded-host", told] as const, forwarded(`host="${told}"`)]) {
      const resolved = forwarding.resolve({ headers: [["host", sent], field] }, proxy)
      assert.deepStrictEqual(
        resolved?.head.headers.filter(([name]) => name === "host"),
        [["host", host]]
      )
    }
  })

  it("knows the peers of Unix sockets", () => {
    const local = { ...proxy, client: undefined, server: ["/run/app.sock", null] } as const
    assert.strictEqual(told([xff("6.6.6.6, 192.0.2.7")], all, local)[0], "192.0.2.7|0")
    assert.strictEqual(told([xff("unknown")], all, local)[0], "unix")
    const distrusting = new Forwarding(({ client }) => client !== undefined, all)
    assert.isUndefined(distrusting.resolve({ headers: [xff("192.0.2.7")] }, local))
  })

  const names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"] as const
  const pieces = [...'\\",;=:[] 10.', "for=10.0.0.1", "10.0.0.1", ", 6.6.6.6", 'for="', "https", "evil.example"]
  const anything = Arbitrary.array(
    Arbitrary.all([
      Arbitrary.schema(Schema.Literals(names)),
      Arbitrary.map(Arbitrary.array(Arbitrary.schema(Schema.Literals(pieces)), { maxLength: 12 }), (all) =>
        all.join("")
      )
    ]),
    { maxLength: 8 }
  )

  it.prop("believes what the outermost proxy has written behind anything", [anything], ([spoofed]) => {
    const appended: Fields = [xff("192.0.2.7, 10.2.2.2")]
    assert.strictEqual(told([...spoofed, ...appended])[0], "192.0.2.7|0")
    const spoofedForwarded = spoofed.filter(([name]) => name === "forwarded")
    const element = 'for="192.0.2.7:7";proto=https;host=example.org, for=10.2.2.2'
    assert.deepStrictEqual(told([...spoofedForwarded, forwarded(element)]), ["192.0.2.7|7", true, "example.org", "-"])
  })

  it("takes no time that grows with the square of the number of hops", () => {
    const hops = 150_000
    const fields = [
      xff(Array.from({ length: hops }, () => "10.1.1.1").join(",")),
      ["x-forwarded-proto", "a,".repeat(hops)]
    ] as const
    assertNotQuadratic(() => void told(fields))
  })
})
