/** A cluster of many machines, with PostgreSQL. */
import { PgClient } from "@effect/sql-pg"
import * as PagiCluster from "@pagi/node/PagiCluster"
import * as Config from "effect/Config"
import * as Layer from "effect/Layer"

const Database = PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })

export const Cluster = PagiCluster.layerSql({ host: "10.0.0.7" }).pipe(Layer.provide(Database))
