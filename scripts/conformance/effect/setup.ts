/** What Effect has done before its tests. */
import { addEqualityTesters } from "@effect/vitest"

addEqualityTesters()
