import { assert, describe, it } from "@effect/vitest"
import { requestUrl, type UrlParts } from "../../src/fetch/RequestUrl.ts"

const urlOf = (target: string, host: string | undefined = "test", parts: Partial<UrlParts> = {}) =>
  requestUrl({
    target,
    headers: host === undefined ? [] : [["host", host]],
    secure: false,
    server: ["192.0.2.2", 8080],
    ...parts
  })

/** A request with neither Host nor anything that could be in its place. */
const hostless = (server: UrlParts["server"]) => requestUrl({ target: "/a", headers: [], secure: false, server })

describe("requestUrl", () => {
  it.each([
    ["/", "http://test/"],
    ["/a/b.c?d=e&f=%20g", "http://test/a/b.c?d=e&f=%20g"],
    ["/%C3%A4?%zz", "http://test/%C3%A4?%zz"],
    // A target may look like the URL of another host.
    ["//other.example/a", "http://test//other.example/a"],
    ["/http://other.example/", "http://test/http://other.example/"],
    ["/a:b@c", "http://test/a:b@c"],
    // Segments of dots, plain and encoded.
    ["/a/../b", "http://test/b"],
    ["/a/./b/..", "http://test/a/"],
    ["/a/%2e%2E/b", "http://test/b"],
    ["/a/.%2e/b", "http://test/b"],
    ["/a/.well-known/b", "http://test/a/.well-known/b"],
    ["/a/...", "http://test/a/..."],
    ["/a?b=/../c", "http://test/a?b=/../c"],
    // What browsers and curl send as it is.
    ['/a|b"c<d>', "http://test/a|b%22c%3Cd%3E"],
    ["/a?b='c'", "http://test/a?b=%27c%27"],
    ["/a[1]?b[]=c", "http://test/a[1]?b[]=c"],
    ["/\u00C3\u00A4?\u00FF", "http://test/%C3%A4?%FF"],
    // No slash to a server, whatever a browser makes of it.
    ["/a\\b?c\\d", "http://test/a%5Cb?c\\d"],
    ["/..\\..\\a", "http://test/..%5C..%5Ca"],
    ["*", "http://test/"]
  ])("of %s is %s", (target, url) => {
    assert.strictEqual(urlOf(target), url)
  })

  it("agrees with the URL parser, for all that a target can consist of", () => {
    for (let code = 0x21; code < 0x7f; code++) {
      const character = String.fromCharCode(code)
      if (character === "#" || character === "\\") continue
      for (const target of [`/${character}`, `/a${character}b/c?d${character}`]) {
        const url = urlOf(target)
        assert.strictEqual(url, new URL(`http://test${target}`).href, target)
        assert.strictEqual(url, new Request(url ?? "").url)
      }
    }
  })

  it.each([
    ["TEST.example", "http://test.example/a"],
    ["test:80", "http://test/a"],
    ["test:8080", "http://test:8080/a"],
    ["test:", "http://test/a"],
    ["127.1", "http://127.0.0.1/a"],
    ["[::1]:8080", "http://[::1]:8080/a"],
    ["x_y-z", "http://x_y-z/a"]
  ])("has the host %s as %s", (host, url) => {
    assert.strictEqual(urlOf("/a", host), url)
  })

  it.each(["a%00b", "1.2.3.4.5", "[::1", "a b", "user@test", "user:secret@test"])(
    "does not exist for the host %s",
    (host) => {
      assert.isUndefined(urlOf("/a", host))
    }
  )

  it("has the scheme of the connection", () => {
    assert.strictEqual(urlOf("/a", "test:443", { secure: true }), "https://test/a")
    assert.strictEqual(urlOf("/a", "test:443", { secure: false }), "http://test:443/a")
  })

  it("has the address that a client has connected to where it names no host", () => {
    assert.strictEqual(hostless(["192.0.2.2", 8080]), "http://192.0.2.2:8080/a")
    assert.strictEqual(hostless(["2001:db8::1", 80]), "http://[2001:db8::1]/a")
    assert.strictEqual(hostless(["/run/app.sock", null]), "http://localhost/a")
    assert.strictEqual(hostless(undefined), "http://localhost/a")
    assert.strictEqual(urlOf("/a", ""), "http://192.0.2.2:8080/a")
  })

  it("may be long", () => {
    const long = `/${"a/".repeat(50_000)}?${"b=c&".repeat(50_000)}`
    assert.strictEqual(urlOf(long), `http://test${long}`)
    assert.strictEqual(urlOf(`${long}"`), `http://test${long}%22`)
  })
})
