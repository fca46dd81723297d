import { testDriver } from "@pagi/core/test/drivers/DriverSuite"
import { http1 } from "./support/Http1Client.ts"

testDriver(http1)
