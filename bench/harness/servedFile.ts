import { closeSync, openSync, rmSync, writeSync } from "node:fs"
import { file, filePieceCount, piece } from "../servers/support/contract.ts"

/** Writes the file that servers answer with; it is removed when the benchmark ends. */
export const writeServedFile = (): void => {
  process.once("exit", () => rmSync(file, { force: true }))
  const descriptor = openSync(file, "w")
  for (let count = 0; count < filePieceCount; count++) writeSync(descriptor, piece)
  closeSync(descriptor)
}
