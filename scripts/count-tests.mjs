/**
 * Adds up the JSON reports of vitest in a folder and ends with the line `N passed, N failed`. A file that could not be
 * run, or a run that failed without a failed test, counts as one failure; so does a folder without any report.
 */
import { readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"

const folder = process.argv[2] ?? "."
const reports = readdirSync(folder).filter((name) => name.endsWith(".json"))

let passed = 0
let failed = 0
for (const name of reports) {
  const report = JSON.parse(readFileSync(join(folder, name), "utf8"))
  const unrunnable = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed")
  )
  const failures = report.numFailedTests + unrunnable.length
  passed += report.numPassedTests
  failed += failures === 0 && !report.success ? 1 : failures
}
if (reports.length === 0) failed = 1

console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
