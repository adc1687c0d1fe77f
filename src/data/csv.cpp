#include "vfe/data/csv.hpp"

#include <csv.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>

#include "data/digit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/printable.hpp"

namespace vfe {

namespace {

constexpr std::size_t buffer_size = std::size_t{1} << 20;
// A quote that is never closed would otherwise take the rest of the file into memory.
constexpr std::size_t max_record_size = std::size_t{64} << 20;

struct CloseFile {
  void operator()(gzFile_s* file) const { gzclose_r(file); }
};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// The most frequent of , ; tab and | in the first record of `text`, outside quotes; if it has none a blank
/// that is between two names, and otherwise a comma.
char find_delimiter(std::string_view text) {
  constexpr std::array<char, 4> candidates = {',', ';', '\t', '|'};
  std::array<int, candidates.size()> counts = {};
  bool quoted = false, begun = false, after_blank = false, blank_between = false;
  for (const char c : text) {
    blank_between = blank_between || (after_blank && begun && !is_blank(c));
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' && begun) break;
    begun = begun || !is_blank(c);
    after_blank = c == ' ';
    for (std::size_t i = 0; i < candidates.size(); ++i) counts[i] += c == candidates[i];
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  return *most > 0 ? candidates[most - counts.begin()] : blank_between ? ' ' : ',';
}

/// Appends a character of code page 1252, in UTF-8.
void append_latin1(unsigned char c, std::string& text) {
  // What it has at 0x80 to 0x9F; five have no meaning and stay what they are in ISO 8859-1.
  constexpr std::array<std::uint16_t, 32> windows = {
      0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  const unsigned code = c >= 0x80 && c < 0xA0 ? windows[c - 0x80u] : c;
  const auto put = [&text](unsigned byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

}  // namespace

struct CsvReader::Impl {
  std::filesystem::path path;
  std::unique_ptr<gzFile_s, CloseFile> file;  // reads what is not compressed as it is, too
  csv_parser parser{};
  std::vector<std::string> header;

  std::vector<char> buffer = std::vector<char>(buffer_size);
  std::size_t begin = 0, end = 0;  // of what is read and not yet parsed
  z_off_t bytes = 0;               // of the file, read so far

  std::int64_t lines = 0;        // complete lines parsed
  std::int64_t record_line = 0;  // where the record under way starts
  int records_in_line = 0;

  std::string text;               // fields of the record, one after another
  std::vector<std::size_t> ends;  // of each field in `text`
  std::vector<std::string_view> fields;
  CsvFormat format;
  bool row_names = false, has_read = false;

  Impl(const std::filesystem::path& file_path, const CsvFormat& its_format)
      : path(file_path == "-" ? "standard input" : file_path), format(its_format) {
    std::error_code unknown;
    if (std::filesystem::is_directory(path, unknown))
      fail(Fault::missing, "is a folder, expected a CSV file");
    if (file_path == "-") {
      const int copy = ::dup(STDIN_FILENO);  // closed with the file
      if (copy >= 0) file.reset(gzdopen(copy, "rb"));
    } else {
      file.reset(gzopen(path.c_str(), "rb"));
    }
    if (!file)
      throw Error(Fault::missing, fmt::format("opening {}: {}", path.string(), std::strerror(errno)));
    gzbuffer(file.get(), buffer_size / 4);
    csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
    // libcsv grows its buffer by steps, of 128 bytes by default: a long field would be copied without end.
    csv_set_blk_size(&parser, buffer_size);
  }
  ~Impl() { csv_free(&parser); }

  [[noreturn]] void fail(Fault fault, const std::string& what) const {
    throw Error(fault, fmt::format("{}: {}", path.string(), what));
  }
  [[noreturn]] void fail_at(std::int64_t line, const std::string& what) const {
    throw Error(Fault::data, fmt::format("{}, line {}: {}", path.string(), line, what));
  }

  void fill() {
    begin = 0;
    const int count = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
    end = static_cast<std::size_t>(std::max(count, 0));
    int error = Z_OK;
    const char* problem = gzerror(file.get(), &error);
    if (error == Z_ERRNO) fail(Fault::io, fmt::format("reading: {}", std::strerror(errno)));
    if (error == Z_BUF_ERROR) fail(Fault::data, "compressed by gzip, and cut off");
    if (error != Z_OK) fail(Fault::data, fmt::format("compressed by gzip, and damaged: {}", problem));
    bytes = std::max<z_off_t>(gzoffset(file.get()), 0);  // of a pipe nobody knows
  }

  static void on_field(void* data, std::size_t size, void* self) {
    auto& impl = *static_cast<Impl*>(self);
    impl.text.append(static_cast<const char*>(data), size);
    impl.ends.push_back(impl.text.size());
  }
  static void on_record(int, void* self) { ++static_cast<Impl*>(self)->records_in_line; }

  void parse(const char* data, std::size_t size) {
    if (std::memchr(data, '\0', size)) fail_at(lines + 1, "a NUL byte, expected text in UTF-8");
    const std::size_t done = csv_parse(&parser, data, size, on_field, on_record, this);
    if (done < size) {
      if (csv_error(&parser) != CSV_EPARSE) fail_at(lines + 1, csv_strerror(csv_error(&parser)));
      const std::string where =
          record_line == lines + 1 ? "" : fmt::format(" of the record from line {} on", record_line);
      fail_at(
          lines + 1,
          fmt::format("a quote inside a field{} (such a field is written \"a \"\"quoted\"\" word\")", where));
    }
    if (records_in_line > 1) fail_at(lines + 1, "a carriage return without a line feed ends a line");
  }

  /// Parses until a record is complete; false at the end of the file.
  bool read_record() {
    text.clear();
    ends.clear();
    record_line = lines + 1;
    records_in_line = 0;
    std::size_t record_size = 0;
    bool begun = false;
    while (true) {
      if (begin == end) fill();
      if (end == 0) break;
      const char* data = buffer.data() + begin;
      const auto* newline = static_cast<const char*>(std::memchr(data, '\n', end - begin));
      const std::size_t size = newline ? newline - data + 1 : end - begin;
      record_size += size;
      if (record_size > max_record_size)
        fail_at(record_line, "a record longer than 64 MiB starts here; is a quote not closed?");
      parse(data, size);
      begin += size;
      lines += newline != nullptr;
      if (newline && records_in_line == 1) return true;
      begun = begun || !std::all_of(data, data + size, is_blank);
      if (newline && !begun) record_line = lines + 1;
    }
    if (csv_fini(&parser, on_field, on_record, this) != 0)
      fail_at(record_line, "a quote opened in the record that starts here is not closed");
    return records_in_line == 1;
  }

  /// The text of the record from Latin-1.
  void to_utf8() {
    if (std::none_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
      return;
    }
    std::string converted;
    std::size_t i = 0;
    for (std::size_t& end_of_field : ends) {
      for (; i < end_of_field; ++i) append_latin1(static_cast<unsigned char>(text[i]), converted);
      end_of_field = converted.size();
    }
    text = std::move(converted);
  }

  /// The record's text into its fields.
  void split() {
    if (format.encoding == Encoding::latin1) to_utf8();
    fields.clear();
    std::size_t first = 0;
    for (const std::size_t last : ends) {
      // Between two blanks there is nothing.
      if (last > first || csv_get_delim(&parser) != ' ')
        fields.emplace_back(text.data() + first, last - first);
      first = last;
    }
  }

  bool next() {
    if (!read_record()) return false;
    split();
    // A header of one name fewer is R's; a field that is empty at the end is of a delimiter too many.
    if (!has_read && !header.empty() && fields.size() == header.size() + 1 && !fields.back().empty()) {
      row_names = true;
    }
    has_read = true;
    if (row_names && !fields.empty()) fields.erase(fields.begin());
    return true;
  }

  void read_header() {
    fill();
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    const std::string_view first(buffer.data(), end);
    if (first.starts_with("\x89HDF")) {
      fail(Fault::data, "is an HDF5 file, such as a dataset, expected a CSV file");
    }
    if (first.starts_with("PK\x03\x04")) {
      fail(Fault::data, "is a zip archive or a spreadsheet, expected a CSV file");
    }
    if (first.starts_with(byte_order_mark)) begin = byte_order_mark.size();
    csv_set_delim(&parser, format.delimiter != 0 ? format.delimiter
                                                 : find_delimiter({buffer.data() + begin, end - begin}));
    if (begin == end || !read_record())
      fail(Fault::data, "the file is empty, expected a header with the names of the columns");
    split();
    header.assign(fields.begin(), fields.end());
    row_names = header.size() > 1 && header.front().empty();
    if (row_names) header.erase(header.begin());
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (header[i].empty()) fail_at(record_line, fmt::format("column {} has no name in the header", i + 1));
      if (!is_utf8(header[i]))
        fail_at(record_line, fmt::format("the name of column {}, \"{}\", is not UTF-8 (--encoding latin1 "
                                         "reads what older programs write)",
                                         i + 1, printable(header[i])));
      if (std::any_of(header[i].begin(), header[i].end(), [](unsigned char c) { return c < ' '; }))
        fail_at(record_line,
                fmt::format("the name of column {} has a line break or control character in it", i + 1));
      if (!names.insert(header[i]).second)
        fail_at(record_line,
                fmt::format("column {} has the name of an earlier one, \"{}\"", i + 1, header[i]));
    }
  }
};

CsvReader::CsvReader(const std::filesystem::path& path, const CsvFormat& format)
    : impl_(std::make_unique<Impl>(path, format)) {
  impl_->read_header();
}
CsvReader::~CsvReader() = default;
const std::vector<std::string>& CsvReader::header() const {
  return impl_->header;
}
char CsvReader::delimiter() const {
  return static_cast<char>(csv_get_delim(&impl_->parser));
}
bool CsvReader::has_row_names() const {
  return impl_->row_names;
}
const std::string& CsvReader::name() const {
  return impl_->path.native();
}
bool CsvReader::next() {
  return impl_->next();
}
std::span<const std::string_view> CsvReader::fields() const {
  return impl_->fields;
}
std::int64_t CsvReader::line() const {
  return impl_->record_line;
}
std::uint64_t CsvReader::bytes_read() const {
  return static_cast<std::uint64_t>(impl_->bytes);
}

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool digits_alone(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text;
}

/// "1,5": nothing but an optional sign, digits and one comma between digits.
bool has_decimal_comma(std::string_view text) {
  text = without_sign(text);
  const std::size_t comma = text.find(',');
  return comma != std::string_view::npos && digits_alone(text.substr(0, comma)) &&
         digits_alone(text.substr(comma + 1));
}

/// "1,234,567.8" without the signs between groups of three digits; empty where they are not so.
std::string without_groups(std::string_view text, char thousands, char decimal) {
  std::string_view whole = without_sign(text.substr(0, text.find_first_of(std::string{decimal, 'e', 'E'})));
  const auto head = static_cast<std::size_t>(whole.data() - text.data());
  const std::string_view rest = text.substr(head + whole.size());
  std::string digits(text.substr(0, head));
  const std::size_t first = whole.find(thousands);
  if (first == std::string_view::npos || first > 3 || !digits_alone(whole.substr(0, first))) return "";
  digits += whole.substr(0, first);
  for (whole.remove_prefix(first); !whole.empty(); whole.remove_prefix(4)) {
    if (whole.size() < 4 || whole[0] != thousands || !digits_alone(whole.substr(1, 3))) return "";
    digits += whole.substr(1, 3);
  }
  return digits + std::string(rest);
}

/// Of text that is a number with a decimal point.
ParsedField parse_number(std::string_view text) {
  std::string_view digits = text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  double number = 0.0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (stop == digits.data() + digits.size()) {
    if (error == std::errc() && std::isfinite(number)) return {FieldKind::number, number};
    if (error == std::errc::result_out_of_range) {
      // from_chars does not say whether the number is too large or too small; strtod does.
      number = std::strtod(std::string(digits).c_str(), nullptr);
      return std::isfinite(number) ? ParsedField{FieldKind::number, number}
                                   : ParsedField{FieldKind::infinite};
    }
    if (error == std::errc() && std::isinf(number)) return {FieldKind::infinite};
  }
  return {FieldKind::text};
}

}  // namespace

const std::vector<std::string>& usual_missing() {
  // What R, pandas, spreadsheets, SAS and the UCI repository write.
  static const std::vector<std::string> words = {"NA",   "N/A",  "n/a",  "#N/A", "<NA>", "NaN", "nan",
                                                 "null", "NULL", "None", "NaT",  "?",    "-",   "."};
  return words;
}

ParsedField parse_field(std::string_view text, const FieldFormat& format) {
  text = trim(text);
  const std::vector<std::string>& missing = format.missing.empty() ? usual_missing() : format.missing;
  const auto is_missing = [&] { return text.empty() || std::ranges::find(missing, text) != missing.end(); };
  // Who says what is missing may mean a number, -999.
  if (!format.missing.empty() && is_missing()) return {FieldKind::missing};
  const bool comma = format.decimal == ',';
  if (!comma) {
    const ParsedField field = parse_number(text);
    if (field.kind != FieldKind::text) return field;
  }
  if (is_missing()) return {FieldKind::missing};
  if (format.thousands != 0 || comma) {
    std::string plain;
    if (format.thousands != 0) plain = without_groups(text, format.thousands, format.decimal);
    if (plain.empty()) plain = text;
    if (comma && plain.find('.') != std::string::npos) return {FieldKind::text};
    if (comma) std::ranges::replace(plain, ',', '.');
    return parse_number(plain);
  }
  if (!without_groups(text, ',', '.').empty()) return {FieldKind::grouped};
  return {has_decimal_comma(text) ? FieldKind::decimal_comma : FieldKind::text};
}

std::optional<std::int64_t> whole_number(std::string_view text, const ParsedField& field) {
  constexpr double most = 0x1p53;  // from here on, a double may not be the number that was written
  if (field.kind != FieldKind::number || field.number != std::floor(field.number)) return std::nullopt;
  if (std::abs(field.number) < most) return static_cast<std::int64_t>(field.number);
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  return value;
}

}  // namespace vfe
