// Draws the heat map (rows of numbers from 0 to 1) over the X-ray; the checkbox hides it, the slider
// sets its opacity.
(() => {
  // Amber to red, more opaque where stronger, so that the image stays visible elsewhere.
  const colour = (strength) => [
    255 - 35 * strength,
    205 - 185 * strength,
    40 - 20 * strength,
    255 * Math.min(1, strength * 1.15),
  ];

  const draw = (canvas) => {
    const box = document.getElementById("heat");
    const slider = document.getElementById("opacity");
    const show = () => {
      canvas.hidden = !box.checked;
      canvas.style.opacity = slider.value / 100;
      slider.nextElementSibling.value = `${slider.value} %`;
    };
    box.addEventListener("input", show);
    slider.addEventListener("input", () => { box.checked = true; show(); });
    show();

    const rows = JSON.parse(canvas.dataset.heatmap);
    const grid = document.createElement("canvas");
    grid.width = rows[0].length;
    grid.height = rows.length;
    const pixels = new ImageData(grid.width, grid.height);
    rows.flat().forEach((strength, index) => pixels.data.set(colour(strength), index * 4));
    grid.getContext("2d").putImageData(pixels, 0, 0);
    // The same size as the image, so that one style scales both and their edges coincide.
    const image = canvas.previousElementSibling;
    const paint = () => {
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(grid, 0, 0, canvas.width, canvas.height);
    };
    if (image.naturalWidth) paint();
    else image.addEventListener("load", paint);
  };

  const start = (part) => part.querySelectorAll("canvas[data-heatmap]").forEach(draw);
  start(document);
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt !== document.body) start(event.detail.elt);
  });
})();
