/** The library that draws the charts, under the name by which the page gets it. */
import uPlot = require("uplot")

// oxlint-disable-next-line import/no-default-export -- the library has its class as its default
export default uPlot
