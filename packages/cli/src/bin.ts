#!/usr/bin/env node
import module from "node:module"

// Before anything else is imported: compiled code is kept on disk, which takes a third off the time to start.
module.enableCompileCache?.()

const { main } = await import("./main.ts")
main()
