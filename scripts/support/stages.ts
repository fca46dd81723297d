/** Puts what is loaded at the same time into the same file of a bundle. */
import type { OutputOptions, Plugin } from "rolldown"

/** What is loaded together, by a name for it: files of modules, with all that they import statically. */
export type Stages = Readonly<Record<string, ReadonlyArray<string>>>

/**
 * What a bundle has to be told for that. Modules that the same stages load are in a file named after these stages. Left
 * alone, each module that is imported late splits off what it shares with others, and a start reads dozens of files.
 */
export const joining = (stages: Stages): { readonly plugin: Plugin; readonly output: OutputOptions } => {
  const entries = new Set(Object.values(stages).flat())
  const stagesOf = new Map<string, ReadonlyArray<string>>()
  const plugin: Plugin = {
    name: "stages",
    renderStart() {
      for (const [stage, modules] of Object.entries(stages)) {
        const loaded = new Set(modules)
        // A set may grow while it is gone through.
        for (const id of loaded) {
          const module = this.getModuleInfo(id)
          if (module === null) throw new Error(`no module of the bundle: ${id}`)
          for (const imported of module.importedIds) loaded.add(imported)
        }
        for (const id of loaded) stagesOf.set(id, [...(stagesOf.get(id) ?? []), stage])
      }
    }
  }
  // What starts a stage has a file of its own anyway.
  const name = (id: string): string | null => (entries.has(id) ? null : (stagesOf.get(id)?.join("-") ?? null))
  const groups = [{ debugName: "stages", name }]
  return { plugin, output: { codeSplitting: { includeDependenciesRecursively: false, groups } } }
}
