// Charts from the JSON beside them. The server has put every number into words already.
"use strict";

(() => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // A token may be written in any colour space; charts compute with plain RGB.
  const colour = (name, alpha = 1) => {
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    pen.clearRect(0, 0, 1, 1);
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
    return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
  };

  // A band is an invisible line with the band's height stacked upon it.
  const band = (name, low, high, fill) => [
    { name, type: "line", stack: name, data: low, symbol: "none", silent: true, lineStyle: { opacity: 0 } },
    {
      name, type: "line", stack: name, symbol: "none", silent: true, lineStyle: { opacity: 0 },
      data: high.map((top, place) => (top === null || low[place] === null ? null : top - low[place])),
      areaStyle: { color: fill, opacity: 1 },
    },
  ];

  const options = (data) => {
    const points = data.points;
    const pick = (name) => points.map((point) => point[name]);
    const ink = colour("--ink"), soft = colour("--ink-soft"), line = colour("--line");
    const accent = colour("--accent");
    const firm = points.map((point) => (point.settled ? point.rate : null));
    const young = points.map((point, place) =>
      (!point.settled || points[place + 1]?.settled === false || points[place - 1]?.settled === false
        ? point.rate : null));
    const font = getComputedStyle(document.body).fontFamily;
    return {
      animation: false,
      aria: { enabled: true, label: { description: data.description } },
      textStyle: { fontFamily: font },
      grid: { left: 8, right: 12, top: 26, bottom: 8, containLabel: true },
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true, backgroundColor: ink, borderWidth: 0,
        textStyle: { color: colour("--paper"), fontSize: 12, fontFamily: font },
        axisPointer: { lineStyle: { color: soft } },
        formatter: (all) => { const point = points[all[0].dataIndex]; return `${point.label}\n${point.told}`; },
      },
      xAxis: {
        type: "category", data: pick("tick"), boundaryGap: false,
        axisLine: { lineStyle: { color: line } }, axisTick: { show: false },
        axisLabel: { color: soft, fontSize: 12, hideOverlap: true },
      },
      yAxis: {
        type: "value", min: 0, name: data.unit, nameTextStyle: { color: soft, align: "left", fontSize: 12 },
        axisLabel: { color: soft, fontSize: 12, formatter: (share) => `${Math.round(share * 100)}%` },
        splitLine: { lineStyle: { color: line } },
      },
      series: [
        ...(data.expected ? band("expected", pick("low"), pick("high"), colour("--ink-soft", 0.22)) : []),
        ...band("interval", pick("rate_low"), pick("rate_high"), colour("--accent", data.expected ? 0.1 : 0.16)),
        { name: "firm", type: "line", data: firm, showSymbol: points.length < 3, symbolSize: 5, z: 5,
          lineStyle: { color: accent, width: 2 }, itemStyle: { color: accent },
          markLine: {
            symbol: "none", silent: true, lineStyle: { color: soft, type: "solid", width: 1 },
            label: { color: ink, fontSize: 12, position: "end", formatter: (mark) => mark.name },
            data: data.marks.map((mark) => ({ name: mark.label, xAxis: mark.tick })),
          } },
        { name: "young", type: "line", data: young, showSymbol: points.length < 3, symbolSize: 5, z: 5,
          lineStyle: { color: accent, width: 2, type: [4, 4] }, itemStyle: { color: accent } },
      ],
    };
  };

  const drawn = [];
  for (const figure of document.querySelectorAll("[data-chart]")) {
    const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const chart = window.echarts.init(figure.querySelector(".chart"), null, { renderer: "canvas" });
    const draw = () => chart.setOption(options(data), true);
    draw();
    drawn.push(draw);
    new ResizeObserver(() => chart.resize()).observe(figure);
  }
  // Another theme, another ink.
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((draw) => draw()));
})();
