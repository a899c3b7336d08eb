// What the console draws with: only the parts of ECharts that its pages use, as one script.
import * as core from "echarts/core";
import { BarChart, LineChart } from "echarts/charts";
import {
  AriaComponent, GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent,
} from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

core.use([
  BarChart, LineChart, AriaComponent, GridComponent, MarkAreaComponent, MarkLineComponent,
  TooltipComponent, CanvasRenderer,
]);
window.echarts = { init: core.init, getInstanceByDom: core.getInstanceByDom };
