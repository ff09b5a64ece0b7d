// Numbers as view/digits.py writes them, to the character: a test compares the two.

const MINUS = "−";
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const LONGEST = 1e7; // from here on a power of ten
const NAMED = { NaN: "NaN", Infinity: "infinity", "-Infinity": MINUS + "infinity" };

// A cell is a number, a text for what JSON cannot hold, or [real, imaginary].
function number(cell, precision, isFloat = true) {
  if (Array.isArray(cell)) {
    const [real, imaginary] = cell;
    const sign = imaginary < 0 ? MINUS : "+";
    const size = typeof imaginary === "number" ? Math.abs(imaginary) : imaginary;
    return `${number(real, precision)} ${sign} ${number(size, precision)}i`;
  }
  if (typeof cell === "string") return NAMED[cell] ?? cell.replace("-", MINUS);
  if (!isFloat) return String(cell).replace("-", MINUS);
  const text = fixed(cell, precision);
  const isHidden = cell !== 0 && Number(text) === 0;
  if (!isHidden && Math.abs(cell) < LONGEST) {
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
  }
  return raised(exponential(cell, Math.max(1, precision - 1)));
}

// All digits: the shortest text that is this number in its own type.
function allDigits(cell, dtype) {
  if (typeof cell !== "number" || !isFloat(dtype)) return number(cell, 6, false);
  let text = String(cell);
  for (let digits = 1; dtype === "float32" && digits <= 9; digits += 1) {
    if (Math.fround(Number(cell.toPrecision(digits))) === cell) {
      text = String(Number(cell.toPrecision(digits)));
      break;
    }
  }
  if (text.includes("e")) return raised(text);
  return (text.includes(".") ? text : text + ".0").replace("-", MINUS);
}

function isFloat(dtype) {
  return dtype.startsWith("float") || dtype.startsWith("complex");
}

function isFinite_(cell) {
  return Array.isArray(cell) ? cell.every(isFinite_) : !(typeof cell === "string" && cell in NAMED);
}

// Python's f"{x:.2f}": of two equally near texts the one with an even last digit.
function fixed(x, digits) {
  const size = Math.abs(x);
  const long = size.toFixed(Math.min(100, digits + 60));
  const cut = long.indexOf(".") + 1 + digits;
  const isTie = /^50*$/.test(long.slice(cut));
  const head = digits ? long.slice(0, cut) : long.slice(0, cut - 1);
  const text = isTie && Number(head.at(-1)) % 2 === 0 ? head : size.toFixed(digits);
  return (x < 0 || Object.is(x, -0) ? "-" : "") + text;
}

// Python's f"{x:.1e}", with the exponent as JavaScript writes it.
function exponential(x, digits) {
  const [long] = Math.abs(x).toExponential(Math.min(100, digits + 60)).split("e");
  const isTie = /^50*$/.test(long.slice(2 + digits));
  const [text, exponent] = Math.abs(x).toExponential(digits).split("e");
  const head = long.slice(0, 2 + digits);
  const mantissa = isTie && Number(head.at(-1)) % 2 === 0 ? head : text;
  const power = mantissa === text ? exponent : Math.abs(x).toExponential(60).split("e")[1];
  return `${x < 0 ? "-" : ""}${mantissa}e${power}`;
}

function raised(text) {
  const [mantissa, exponent] = text.split("e");
  const digits = [...String(Math.abs(exponent))].map((d) => RAISED[d]).join("");
  const sign = exponent < 0 ? "⁻" : "";
  return `${mantissa.replace("-", MINUS)}·10${sign}${digits}`;
}
