// One example at a time, out of those in the page: an experiment's, made for a source, seen by a victim.
const gallery = document.getElementById("gallery");
if (gallery) {
  const picker = document.getElementById("picker"), images = document.getElementById("images");
  const stage = document.getElementById("stage"), said = document.getElementById("said");
  const { experiment, group, victim } = picker.elements;
  const at = (list, select) => list[Math.max(select.selectedIndex, 0)];
  const ofExperiment = () => at([...gallery.children], experiment);
  const ofGroup = () => at([...ofExperiment().querySelectorAll("details")], group);

  function offer(select, names) {
    const before = select.value;
    select.replaceChildren(...names.map((name) => new Option(name, name)));
    if (names.includes(before)) select.value = before;
  }
  function offerGroups() {
    offer(group, [...ofExperiment().querySelectorAll("details")].map((one) => one.dataset.group));
    offerImages();
  }
  function offerImages() {
    const before = Number(images.querySelector(":checked")?.value ?? 0);
    const every = [...ofGroup().querySelectorAll("article")];
    images.replaceChildren(...every.map((article, place) => {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, { type: "radio", name: "image", value: place, checked: place === Math.min(before, every.length - 1) });
      const picture = article.querySelector("img").cloneNode();
      picture.alt = article.dataset.name;
      label.append(input, picture);
      return label;
    }));
    offer(victim, [...every[0].querySelectorAll("tbody th")].map((cell) => cell.textContent));
    show();
  }
  function show() {
    const place = Number(images.querySelector(":checked").value);
    const article = ofGroup().querySelectorAll("article")[place].cloneNode(true);
    const row = at([...article.querySelectorAll("tbody tr")], victim);
    row.classList.add("picked");
    const [, before, after] = row.cells;
    said.textContent = `${victim.value} answers ${before.dataset.answer} to the original and ${after.dataset.answer} to the perturbed image.`;
    stage.replaceChildren(article);
  }
  offer(experiment, [...gallery.children].map((one) => one.dataset.experiment));
  experiment.addEventListener("change", offerGroups);
  group.addEventListener("change", offerImages);
  victim.addEventListener("change", show);
  images.addEventListener("change", show);
  picker.addEventListener("submit", (event) => event.preventDefault());
  offerGroups();
}
