#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// How the bytes of a file stand for characters. latin1 is ISO 8859-1 with the signs that Windows has where
/// that has control characters (code page 1252), which is what files called so are in.
enum class Encoding { utf8, latin1 };

/// Reads the records of a CSV file one after another, in bounded memory, whatever the size of the file.
/// RFC 4180 and its common relatives: LF or CRLF, a UTF-8 byte order mark, delimiter , ; or tab (the most
/// frequent one in the header, outside quotes), blanks around unquoted fields dropped, blank lines skipped.
/// Whether a record has as many fields as the header, and whether fields said to be UTF-8 are, is the
/// caller's to check.
class CsvReader {
 public:
  /// Opens the file and reads the header. Throws Fault::missing, Fault::io, and Fault::data for an empty file
  /// and for a column without a name, with the name of another, or with a line break or bytes that are no
  /// UTF-8 in its name.
  explicit CsvReader(const std::filesystem::path& path, Encoding encoding = Encoding::utf8);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  const std::vector<std::string>& header() const;
  char delimiter() const;

  /// Goes to the next record; false at the end of the file. Throws Fault::data naming the line for a quote
  /// that is not closed or stands inside an unquoted field, a NUL byte, a carriage return that ends a line
  /// on its own, a record longer than 64 MiB; Fault::io.
  bool next();
  /// The current record's fields, unquoted, in UTF-8; valid until next().
  std::span<const std::string_view> fields() const;
  /// Line on which the current record starts; the header is on line 1 unless blank lines precede it.
  std::int64_t line() const;
  std::uint64_t bytes_read() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What the text of a field is, taken as a number.
enum class FieldKind {
  number,
  missing,        ///< "", NA, N/A, NaN, nan, null, NULL, "."
  infinite,       ///< inf, or too large for a double
  decimal_comma,  ///< "1,5"
  text,
};

struct ParsedField {
  FieldKind kind = FieldKind::missing;
  double number = 0.0;  ///< of a number
};

/// Blanks around it and a leading + are allowed; the locale does not matter.
ParsedField parse_field(std::string_view text);

}  // namespace vfe
