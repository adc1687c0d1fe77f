#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// How the bytes of a file stand for characters. latin1 is ISO 8859-1 with the signs that Windows has where
/// that has control characters (code page 1252), which is what files called so are in.
enum class Encoding { utf8, latin1 };

/// How the records of a table in text are written.
struct CsvFormat {
  Encoding encoding = Encoding::utf8;
  /// Between fields; 0: the one of , ; tab | that is most frequent in the header, outside quotes; where
  /// there is none of these a blank, if one stands between two names, or else the comma. Several blanks are
  /// one.
  char delimiter = 0;
};

/// Reads the records of a CSV file one after another, in bounded memory, whatever the size of the file, and
/// of what gzip made of one. RFC 4180 and its common relatives: LF or CRLF, a UTF-8 byte order mark, blanks
/// around unquoted fields dropped, blank lines skipped. Names of rows, in a first column without a name or in
/// fields that the header does not count, as pandas and R write them, are left out. Whether a record has as
/// many fields as the header, and whether fields said to be UTF-8 are, is the caller's to check.
class CsvReader {
 public:
  /// Opens the file ("-": standard input) and reads the header. Throws Fault::missing, Fault::io, and
  /// Fault::data for an empty file and for another column without a name, one with the name of another, or
  /// with a line break or bytes that are no UTF-8 in its name.
  explicit CsvReader(const std::filesystem::path& path, const CsvFormat& format = {});
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  const std::vector<std::string>& header() const;
  char delimiter() const;
  bool has_row_names() const;       ///< once a record was read
  const std::string& name() const;  ///< of the file, for messages

  /// Goes to the next record; false at the end of the file. Throws Fault::data naming the line for a quote
  /// that is not closed or stands inside an unquoted field, a NUL byte, a carriage return that ends a line
  /// on its own, a record longer than 64 MiB; Fault::io.
  bool next();
  /// The current record's fields, unquoted, in UTF-8; valid until next().
  std::span<const std::string_view> fields() const;
  /// Line on which the current record starts; the header is on line 1 unless blank lines precede it.
  std::int64_t line() const;
  std::uint64_t bytes_read() const;  ///< of the file

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// How fields are written.
struct FieldFormat {
  char decimal = '.';  ///< or ','
  char thousands = 0;  ///< between groups of three digits; 0: nothing is
  std::vector<std::string> missing =
      {};  ///< what stands for a missing value, beside nothing; empty: usual words
};
/// "NA", "n/a", "?", ...
const std::vector<std::string>& usual_missing();

/// What the text of a field is, taken as a number.
enum class FieldKind {
  number,
  missing,
  infinite,       ///< inf, or too large for a double
  decimal_comma,  ///< "1,5", where the decimal sign is a point
  grouped,        ///< "1,234", where nothing is between thousands: perhaps a decimal comma
  text,
};

struct ParsedField {
  FieldKind kind = FieldKind::missing;
  double number = 0.0;  ///< of a number
};

/// Blanks around it and a leading + are allowed; the locale does not matter.
ParsedField parse_field(std::string_view text, const FieldFormat& format = {});

/// The whole number that a text is, which was parsed into `field`: exactly; nothing where it is none, or not
/// between -2^63 and 2^63 (that is how tables say missing).
std::optional<std::int64_t> whole_number(std::string_view text, const ParsedField& field);

}  // namespace vfe
