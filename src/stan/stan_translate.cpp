#include "stan/stan_translate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "stan/child_process.hpp"
#include "stan/tool_output.hpp"
#include "vfe/stan/stan_build.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;

/// Words of the language, and the Stan that brought them. To a stanc that does not know them they are syntax
/// errors like any other.
struct NewWord {
  const char* word;
  const char* since;
};
constexpr NewWord new_words[] = {{"tuple", "2.33"},
                                 {"sum_to_zero_vector", "2.36"},
                                 {"row_stochastic_matrix", "2.36"},
                                 {"column_stochastic_matrix", "2.36"},
                                 {"sum_to_zero_matrix", "2.37"}};

/// The newest that this was tried with, and where it comes from.
constexpr const char* newest = "2.39";
constexpr const char* newest_source = "httpstan 4.17";

bool is_older(const std::string& version, const std::string& than) {
  return ::strverscmp(version.c_str(), than.c_str()) < 0;
}

/// stanc's message in one line: without the excerpt of the program, which stands between two lines of dashes.
std::string without_excerpt(const std::string& message) {
  std::string joined;
  bool in_excerpt = false;
  for (const std::string& line : lines_of(message)) {
    const std::string text = trimmed(line);
    if (text.starts_with("-----")) {
      in_excerpt = !in_excerpt;
    } else if (!in_excerpt && !text.empty()) {
      joined += (joined.empty() ? "" : " ") + text;
    }
  }
  return joined;
}

/// The line of the program that the message marks with a caret below it.
std::string marked_line(const std::string& message) {
  std::string previous;
  for (const std::string& line : lines_of(message)) {
    if (trimmed(line) == "^") return previous;
    previous = line;
  }
  return "";
}

bool has_word(const std::string& text, const std::string& word) {
  const auto is_part = [&](std::size_t at) {
    return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_');
  };
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    if (!(at > 0 && is_part(at - 1)) && !is_part(at + word.size())) return true;
  }
  return false;
}

/// "stanc3 v2.35.0 (Unix)" is 2.35.0; empty where there is no such thing.
std::string version_in(const std::string& description) {
  for (std::size_t at = description.find('v'); at != std::string::npos; at = description.find('v', at + 1)) {
    const std::size_t end =
        std::min(description.find_first_not_of("0123456789.", at + 1), description.size());
    if (end > at + 1) return description.substr(at + 1, end - at - 1);
  }
  return "";
}

struct Attempt {
  std::string warnings;
  std::string complaint;  ///< stanc's lines where it refuses the program
};

Attempt attempt(const StanTools& tools, const fs::path& source, const fs::path& output,
                const std::string& doing) {
  const fs::path folder = source.has_parent_path() ? source.parent_path() : ".";
  const ChildResult stanc = run_child({tools.stanc.string(), "--include-paths=" + folder.string(),
                                       "--o=" + output.string(), source.string()});
  if (!stanc.started)
    throw Error(Fault::missing, fmt::format("{}: cannot run {}", doing, tools.stanc.string()));
  check_not_stopped(stanc, doing);
  if (stanc.code == 0) return {stanc.err, ""};
  const std::string complaint = trimmed(stanc.err.empty() ? stanc.out : stanc.err);
  return {"", complaint.empty() ? fmt::format("stanc ends with code {}", stanc.code) : complaint};
}

}  // namespace

std::string newer_stan_advice(const std::string& complaint, const std::string& version) {
  if (version.empty()) return "";
  const std::string marked = marked_line(complaint);
  for (const auto& [word, since] : new_words) {
    if (has_word(marked, word) && is_older(version, since)) {
      return fmt::format(
          "{} needs Stan {}, and this stanc is {}; {} has Stan {}, a new CmdStan tree does as well", word,
          since, version, newest_source, newest);
    }
  }
  // Functions, distributions and the statement `jacobian +=` are many, and may be mistyped as well.
  const std::string line = without_excerpt(complaint);
  const bool unknown = line.find("undeclared identifier") != std::string::npos ||
                       line.find("when looking for distribution") != std::string::npos ||
                       line.find("Identifier 'jacobian' not in scope") != std::string::npos;
  if (!unknown || !is_older(version, newest)) return "";
  return fmt::format(
      "this stanc is {}; if that is of a newer Stan: {} has Stan {}, a new CmdStan tree does as well",
      version, newest_source, newest);
}

StanTranslation translate_stan(const std::vector<StanTools>& choices, const fs::path& source,
                               const fs::path& output,
                               const std::function<void(const std::string& line)>& progress) {
  const std::string doing = "translating " + source.string();
  std::string tried, complaint, advice;
  for (const StanTools& tools : choices) {
    const std::string described = trimmed(run_child({tools.stanc.string(), "--version"}).out);
    const std::string version = version_in(described);
    if (!tried.empty() && !is_older(tried, version)) continue;
    StanTranslation translation{tools, described + ", " + tools.name, ""};
    if (progress) progress("using " + translation.description);
    Attempt made = attempt(tools, source, output, doing);
    if (made.complaint.empty()) {
      translation.warnings = std::move(made.warnings);
      return translation;
    }
    // The newest has the last word: what it complains of is what there is to repair.
    complaint = std::move(made.complaint);
    advice = newer_stan_advice(complaint, version);
    tried = version;
    if (advice.empty()) break;
  }
  const std::string line = without_excerpt(complaint);
  throw StanBuildError(Fault::data, doing, advice.empty() ? line : line + " (" + advice + ")",
                       complaint + '\n' + (advice.empty() ? "" : advice + '\n'));
}

}  // namespace vfe
