import { describe } from "@effect/vitest"
import { testRequests, testResponses } from "./support/HttpSuite.ts"
import { testFailures, testLimits, testPeers } from "./support/HttpSuiteEndings.ts"
import { ways } from "./support/HttpSuiteWay.ts"

for (const way of ways) {
  describe(`HTTP/${way.version} over ${way.over}`, () => {
    describe("requests", () => {
      testRequests(way)
    })
    describe("responses", () => {
      testResponses(way)
    })
    describe("limits", () => {
      testLimits(way)
    })
    describe("failures", () => {
      testFailures(way)
    })
    describe("peers", () => {
      testPeers(way)
    })
  })
}
