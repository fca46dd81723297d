import { mkdir, writeFile } from "node:fs/promises"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import type { Suite } from "../rows/row.ts"
import { renderChart } from "./chart.ts"
import { renderMarkdown } from "./markdown.ts"
import type { Report } from "./report.ts"

/** Returns the written files, relative to where the command was run. */
export const writeReport = async (suite: Suite, report: Report, directory: URL): Promise<ReadonlyArray<string>> => {
  await mkdir(directory, { recursive: true })
  const contents = {
    [`${suite.name}.json`]: `${JSON.stringify(report, undefined, 2)}\n`,
    [`${suite.name}.md`]: renderMarkdown(suite, report),
    [`${suite.name}.svg`]: renderChart(report)
  }
  return Promise.all(
    Object.entries(contents).map(async ([name, content]) => {
      const file = new URL(name, directory)
      await writeFile(file, content)
      return relative(process.cwd(), fileURLToPath(file))
    })
  )
}
