/* What moves on the page: filters, and charts of what they let through. Text is only ever set as text. */
"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const { batches, shared, bins, fields } = figures;
  // Vega keeps what it groups by in plain objects, which have members of their own: a source may be called `__proto__`.
  const sources = figures.sources.map((name) => (name in {} ? `${name}\u2060` : name));
  const byId = (id) => document.getElementById(id);
  const [form, ofSource, ofSeverity, since] = ["filters", "of-source", "of-severity", "since"].map(byId);
  const filtered = [...document.querySelectorAll("[data-sources]")];
  const severitiesOf = new Map();
  for (const row of document.querySelectorAll(".sources [data-sources]")) {
    severitiesOf.set(Number(row.dataset.sources), row.dataset.severities.split(" "));
  }
  const views = new Map();

  const MOST_SQUARES = 1500;

  const number = (value) => value.toLocaleString("en-US");
  const day = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 10);
  const total = (values) => values.reduce((sum, value) => sum + value, 0);

  /** Write a share as the page does: a little is not nothing, and almost all is not all. */
  function percent(part, whole) {
    if (!whole) return "–";
    if (part === 0 || part === whole) return part ? "100%" : "0%";
    const text = `${((100 * part) / whole).toFixed(1)}%`;
    if (part && text === "0.0%") return "<0.1%";
    return part < whole && text === "100.0%" ? ">99.9%" : text;
  }

  /** What is chosen: sources by number, and the start of the stretch of time. */
  function chosen() {
    const { value: severity } = ofSeverity;
    const all = sources.map((_, index) => index);
    const kept = all.filter(
      (index) =>
        (ofSource.value === "" || Number(ofSource.value) === index) &&
        (severity === "" || severitiesOf.get(index).includes(severity)),
    );
    const start = Number(since.value);
    return { kept: new Set(kept), severity, start, from: figures.starts[start], isAllTime: start === 0 };
  }

  /** Show or hide rows and findings; open ones of any age are shown where no shorter time is chosen. */
  function filter({ kept, severity, from, isAllTime }) {
    const isAllSources = kept.size === sources.length;
    for (const row of filtered) {
      const own = row.dataset.sources.split(" ").filter(Boolean).map(Number);
      const severities = row.dataset.severities;
      row.hidden =
        !(isAllSources || own.some((index) => kept.has(index))) ||
        (severity !== "" && severities !== undefined && !severities.split(" ").includes(severity)) ||
        (!isAllTime && row.dataset.at !== undefined && Number(row.dataset.at) * 1000 < from);
    }
    for (const cell of document.querySelectorAll(".sources [data-sum]")) {
      const own = Number(cell.closest("tr").dataset.sources);
      const rows = rowsOf((index) => batches.source[index] === own, from);
      const { sum } = cell.dataset;
      cell.textContent =
        sum === "share" ? percent(summed(rows, "records_quarantined"), summed(rows, "records_in")) : number(summed(rows, sum));
    }
    const told = [...document.querySelectorAll("[data-count]")].map((list) => {
      const rows = list.querySelectorAll("[data-sources]");
      const left = [...rows].filter((row) => !row.hidden).length;
      const nothing = list.nextElementSibling;
      if (nothing !== null && nothing.classList.contains("none")) nothing.hidden = left > 0;
      return `${number(left)} of ${number(rows.length)} ${list.dataset.count}`;
    });
    byId("shown").textContent = `Shown: ${told.join(", ")}.`;
    document.querySelector(".since-note").textContent = `Figures of the window are since ${day(from)} (UTC).`;
  }

  /** Numbers of the rows of batches that pass, from a moment on. */
  function rowsOf(passes, from) {
    return batches.source.map((_, index) => index).filter((index) => bins[batches.bin[index]] >= from && passes(index));
  }

  const summed = (rows, name) => total(rows.map((index) => batches[name][index]));

  function grouped(rows, keyOf) {
    const groups = new Map();
    for (const index of rows) {
      const key = keyOf(index);
      groups.has(key) ? groups.get(key).push(index) : groups.set(key, [index]);
    }
    return [...groups.entries()].sort(([one], [other]) => one - other);
  }

  const place = (bin) => ({ start: bins[bin], end: bins[bin + 1], since: day(bins[bin]) });

  /** Rows of each chart, rows of its table, and what it says in a sentence. */
  const charts = {
    volumes({ rows }) {
      const marks = [];
      const cells = [];
      for (const [bin, own] of grouped(rows, (index) => batches.bin[index])) {
        const [come, loaded, held] = ["records_in", "records_loaded", "records_quarantined"].map((name) => summed(own, name));
        marks.push({ ...place(bin), outcome: "loaded", low: 0, high: loaded, records: loaded });
        marks.push({ ...place(bin), outcome: "quarantined", low: loaded, high: loaded + held, records: held });
        cells.push([day(bins[bin]), number(come), number(loaded), number(held), percent(held, come)]);
      }
      const [come, held] = [summed(rows, "records_in"), summed(rows, "records_quarantined")];
      return [marks, cells, `${number(come)} records in, of which ${number(held)} (${percent(held, come)}) were quarantined.`];
    },
    share({ rows }) {
      const marks = [];
      const cells = [];
      for (const [bin, own] of grouped(rows, (index) => batches.bin[index])) {
        const [come, held] = [summed(own, "records_in"), summed(own, "records_quarantined")];
        marks.push({ ...place(bin), low: 0, share: come ? held / come : 0 });
        cells.push([day(bins[bin]), number(come), number(held), percent(held, come)]);
      }
      const highest = marks.reduce((one, other) => (other.share > one.share ? other : one), { share: 0 });
      return [marks, cells, highest.share ? `Highest ${percent(highest.share, 1)}, ${highest.since}.` : "Nothing was quarantined."];
    },
    share_by_source({ rows }) {
      const width = Math.ceil(rows.length / MOST_SQUARES); // bins in a square, lest there be too many of these to see
      const key = (index) => batches.source[index] * bins.length + Math.floor(batches.bin[index] / width);
      const marks = grouped(rows, key).map(([, own]) => {
        const first = Math.floor(batches.bin[own[0]] / width) * width;
        const [start, end] = [bins[first], bins[Math.min(first + width, bins.length - 1)]];
        const [come, held] = [summed(own, "records_in"), summed(own, "records_quarantined")];
        const when = { since: day(start), before: day(end), middle: (start + end) / 2 };
        return { ...when, source: sources[batches.source[own[0]]], records: come, share: come ? held / come : 0 };
      });
      const cells = grouped(rows, (index) => batches.source[index]).map(([source, own]) => {
        const share = (index) => (batches.records_in[index] ? batches.records_quarantined[index] / batches.records_in[index] : 0);
        const highest = own.reduce((one, other) => (share(other) > share(one) ? other : one));
        const [come, held] = [summed(own, "records_in"), summed(own, "records_quarantined")];
        const peak = share(highest);
        return [sources[source], number(come), percent(held, come), percent(peak, 1), peak ? day(bins[batches.bin[highest]]) : "–"];
      });
      return [marks, cells, `${number(cells.length)} sources delivered; the table has the highest share of each.`];
    },
    fill({ rows }) {
      const marks = [];
      for (const [source, own] of grouped(rows, (index) => batches.source[index])) {
        const records = summed(own, "records_accepted");
        for (const field of records ? fields : []) {
          marks.push({ source: sources[source], field, records, filled: summed(own, field), share: summed(own, field) / records });
        }
      }
      const cells = marks.map((mark) => [mark.source, mark.field, number(mark.records), percent(mark.filled, mark.records)]);
      const rates = fields.map((field) => `${field} ${percent(summed(rows, field), summed(rows, "records_accepted"))}`);
      return [marks, cells, `Of all records together: ${rates.join(", ")}.`];
    },
    fill_over_time({ rows }) {
      const marks = [];
      const cells = [];
      for (const [bin, own] of grouped(rows, (index) => batches.bin[index])) {
        const records = summed(own, "records_accepted");
        for (const field of records ? fields : []) marks.push({ ...place(bin), field, share: summed(own, field) / records });
        cells.push([day(bins[bin]), ...fields.map((field) => percent(summed(own, field), records))]);
      }
      return [marks, cells, `${number(cells.length)} ${figures.unit}s with records; the table has the shares.`];
    },
    shared({ rows, kept, start }) {
      const pairs = new Map();
      shared.source.forEach((source, index) => {
        const other = shared.other_source[index];
        if (shared.period[index] <= start || !(kept.has(source) || kept.has(other))) return;
        const key = source * sources.length + other;
        pairs.set(key, (pairs.get(key) || 0) + shared.records[index]);
      });
      const delivered = new Map(grouped(allRows, (index) => batches.source[index]).map(([source, own]) => [source, own]));
      const loaded = (source) =>
        summed((delivered.get(source) || []).filter((index) => bins[batches.bin[index]] >= figures.starts[start]), "records_loaded");
      const marks = [...pairs.entries()].map(([key, records]) => {
        const [source, other] = [Math.floor(key / sources.length), key % sources.length];
        const whole = loaded(source);
        return { source: sources[source], other_source: sources[other], records, whole, share: whole ? Math.min(records / whole, 1) : 0 };
      });
      marks.sort((one, other) => other.records - one.records);
      const cells = marks.slice(0, 100).map((mark) => [mark.source, mark.other_source, number(mark.records), percent(mark.records, mark.whole)]);
      marks.sort((one, other) => (one.source < other.source ? -1 : one.source > other.source ? 1 : 0));
      const across = total(marks.filter((mark) => mark.source !== mark.other_source).map((mark) => mark.records));
      return [marks, cells, `${number(marks.length)} pairs; across sources ${number(across)} records, counted once for each other source.`];
    },
  };
  const allRows = batches.source.map((_, index) => index);

  function fillTable(body, cells) {
    const kinds = [...body.parentElement.querySelectorAll("thead th")].map((head) => head.className);
    body.replaceChildren(
      ...cells.map((row) => {
        const line = document.createElement("tr");
        row.forEach((text, column) => {
          const cell = document.createElement(column ? "td" : "th");
          if (!column) cell.scope = "row";
          cell.className = kinds[column];
          cell.textContent = text;
          line.append(cell);
        });
        return line;
      }),
    );
  }

  /** Show what a mark stands for, as text beside the pointer. */
  function tooltip(_, event, __, value) {
    const box = byId("tooltip") || document.body.appendChild(Object.assign(document.createElement("div"), { id: "tooltip" }));
    box.hidden = value === null || value === undefined || value === "";
    if (box.hidden) return;
    const lines = typeof value === "object" ? Object.entries(value).map(([name, text]) => `${name}: ${text}`) : [String(value)];
    box.textContent = lines.join("\n");
    const { clientX: x, clientY: y } = event;
    box.style.left = `${Math.max(0, Math.min(x + 12, window.innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${Math.max(0, Math.min(y + 12, window.innerHeight - box.offsetHeight - 8))}px`;
  }

  const options = { ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip, config: figures.config };

  async function draw(name, choice) {
    const frame = document.querySelector(`[data-chart="${name}"]`);
    const [marks, cells, sentence] = charts[name](choice);
    const plot = frame.querySelector(".plot");
    plot.setAttribute("aria-label", `${frame.querySelector("h3").textContent}. ${marks.length ? sentence : "Nothing to show."}`);
    frame.classList.toggle("is-empty", marks.length === 0);
    fillTable(frame.querySelector("tbody"), cells);
    const chart = figures.charts[name];
    const { rows, step } = chart.usermeta || {};
    const height = step && step * Math.max(1, new Set(marks.map((mark) => mark[rows])).size);
    const known = views.get(name);
    if (known !== undefined) {
      if (height !== undefined) known.height(height);
      await known.signal("from_start", choice.from).data(name, marks).resize().runAsync();
      return;
    }
    const values = { from_start: choice.from, until_end: bins[bins.length - 1] };
    const params = chart.params.map((param) => ({ ...param, value: values[param.name] }));
    const spec = { ...chart, height: height || chart.height, params, datasets: { [name]: marks } };
    views.set(name, (await window.vegaEmbed(plot, spec, options)).view);
    plot.querySelector("svg").setAttribute("aria-hidden", "true"); // the label says it, and the table beside it
  }

  async function show() {
    const choice = chosen();
    filter(choice);
    choice.rows = rowsOf((index) => choice.kept.has(batches.source[index]), choice.from);
    for (const name of Object.keys(charts)) await draw(name, choice);
    document.documentElement.dataset.drawn = String(Math.round(performance.now()));
  }

  let showing = Promise.resolve();
  const showNext = () => {
    delete document.documentElement.dataset.drawn;
    showing = showing.then(show);
  };

  form.hidden = false;
  byId("without-script").hidden = true;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", showNext);
  form.addEventListener("reset", () => setTimeout(showNext));

  const closed = new Set();
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open], .figures)")) closed.add(details);
    for (const details of closed) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
    closed.clear();
  });
  showNext();
})();
