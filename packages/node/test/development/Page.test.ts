import { assert, describe, it } from "@effect/vitest"
import { isLocal } from "@pagi/core/http/LocalName"
import * as Page from "../../src/development/Page.ts"

const forms: ReadonlyArray<readonly [accept: string | undefined, form: Page.Form]> = [
  [undefined, "text"],
  ["", "text"],
  ["*/*", "text"],
  ["text/*", "text"],
  ["text/html", "html"],
  ["TEXT/HTML; charset=utf-8", "html"],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"],
  ["application/xhtml+xml", "html"],
  ["application/json", "json"],
  ["application/problem+json, */*", "json"],
  ["application/json, text/plain, */*", "json"],
  ["text/html;q=0.5, application/json", "json"],
  ["application/json;q=0.5, text/html;q=0.6", "html"],
  ["text/html;q=0", "text"],
  ["text/html;q=nonsense", "text"],
  [",,;q=1,", "text"]
]

const wanted: ReadonlyArray<readonly [method: string, headers: Readonly<Record<string, string>>, isWanted: boolean]> = [
  ["GET", { accept: "text/html" }, true],
  ["HEAD", { accept: "text/html" }, true],
  ["POST", { accept: "text/html", "sec-fetch-dest": "document" }, false],
  ["GET", { accept: "*/*" }, false],
  ["GET", {}, false],
  ["GET", { accept: "*/*", "sec-fetch-dest": "document" }, true],
  ["GET", { accept: "text/html", "sec-fetch-dest": "iframe" }, true],
  ["GET", { accept: "text/html", "sec-fetch-dest": "empty" }, false],
  ["GET", { accept: "text/html", "sec-fetch-dest": "script" }, false]
]

const names: Readonly<Record<string, boolean>> = {
  "localhost:5000": true,
  LOCALHOST: true,
  "localhost.": true,
  "app.localhost": true,
  "127.0.0.1:80": true,
  "192.168.1.7": true,
  "[::1]:5000": true,
  "[fe80::1]": true,
  web: true,
  "shop.test": true,
  "laptop.local": true,
  "build.internal:8080": true,
  "nas.home.arpa": true,
  "": false,
  "evil.example": false,
  "localhost.evil.example": false,
  "127.0.0.1.evil.example": false,
  "1.2.3.4.5": false,
  "notlocalhost.com": false,
  "evil.com:localhost": false,
  "[::1].evil.example": false
}

describe("a request in development", () => {
  for (const [accept, form] of forms) {
    it(`that accepts ${accept ?? "nothing in particular"} gets ${form}`, () => {
      assert.strictEqual(Page.wantedForm(accept === undefined ? [] : [["accept", accept]]), form)
    })
  }

  for (const [method, headers, isWanted] of wanted) {
    it(`${method} with ${JSON.stringify(headers)} is ${isWanted ? "" : "not "}for a page`, () => {
      assert.strictEqual(Page.isWanted(method, Object.entries(headers)), isWanted)
    })
  }

  for (const [host, expected] of Object.entries(names)) {
    it(`for ${host === "" ? "no name" : host} is ${expected ? "" : "not "}for a local name`, () => {
      assert.strictEqual(isLocal([["host", host]]), expected)
    })
  }

  it("without Host is for no local name", () => {
    assert.isFalse(isLocal([]))
  })
})
