#include "vfe/formula/syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "formula/lexer.hpp"
#include "vfe/core/nearest.hpp"

namespace vfe {

namespace {

using Kind = FormulaNode::Kind;
using Token = FormulaToken;

constexpr int max_depth = 256;

/// How tightly an operator binds, as in R; 0 of what is none.
int binding(const Token& token, bool arithmetic) {
  if (token.kind != Token::Kind::mark) return 0;
  if (token.text == "+" || token.text == "-") return 1;
  if (token.text == "*" || token.text == "/") return 2;
  if (token.text == "%in%") return arithmetic ? 0 : 3;
  if (token.text == ":") return arithmetic ? 0 : 4;
  return token.text == "^" ? 6 : 0;
}
constexpr int unary_binding = 5;

/// Recursive descent, with operators by how they bind (Pratt 1973).
class Parser {
 public:
  explicit Parser(const std::string& text) : lexer_(text) { syntax_.text = text; }

  FormulaSyntax parse() {
    if (is_end()) fail("found nothing, expected \"response ~ terms\"");
    if (is("~")) fail_expecting("a response");
    syntax_.response = expression(1, true);
    if (is("|")) additions();
    // A response alone is explained by all that is there; "a + b" may have lost its ~.
    const FormulaNode::Kind response = syntax_.nodes[syntax_.response].kind;
    if (is_end() && (response == FormulaNode::Kind::name || response == FormulaNode::Kind::call)) {
      syntax_.right = add({FormulaNode::Kind::dot, "."}, syntax_.text.size());
      return std::move(syntax_);
    }
    take("~", "\"~\" and terms");
    syntax_.right = expression(1, false);
    if (is("|") || is("||")) fail("group effects stand in parentheses: (1 | group)");
    if (!is_end()) fail_expecting("an operator or the end");
    return std::move(syntax_);
  }

 private:
  /// Bounds how deep the parser calls itself.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > max_depth) {
        parser_.fail(fmt::format("nested more than {} deep", max_depth));
      }
    }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    ~Nesting() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  const Token& token() const { return lexer_.token(); }
  bool is(const char* mark) const { return token().kind == Token::Kind::mark && token().text == mark; }
  bool is_end() const { return token().kind == Token::Kind::end; }
  Token take() {
    Token taken = token();
    lexer_.advance();
    return taken;
  }
  Token take(const char* mark, const char* expected) {
    if (!is(mark)) fail_expecting(expected);
    return take();
  }
  [[noreturn]] void fail(const std::string& found) const { fail_formula(syntax_.text, token().begin, found); }
  [[noreturn]] void fail_expecting(const std::string& expected) const {
    fail(fmt::format("found {}, expected {}", lexer_.shown(), expected));
  }

  std::size_t add(FormulaNode node, std::size_t begin) {
    node.begin = begin;
    node.first = node.operands.empty() ? syntax_.nodes.size() : first_of(node.operands);
    syntax_.nodes.push_back(std::move(node));
    return syntax_.nodes.size() - 1;
  }
  std::size_t first_of(const std::vector<std::size_t>& operands) const {
    std::size_t first = syntax_.nodes.size();
    for (std::size_t operand : operands) first = std::min(first, syntax_.nodes[operand].first);
    return first;
  }

  std::size_t expression(int least, bool arithmetic) {
    const Nesting nesting(*this);
    std::size_t left = prefix(arithmetic);
    for (int power; (power = binding(token(), arithmetic)) >= least && power > 0;) {
      const Token sign = take();
      const bool is_power = sign.text == "^";
      if (is_power && !arithmetic && token().kind != Token::Kind::number) fail_expecting("a whole number");
      const std::size_t right =
          is_power && !arithmetic ? number() : expression(is_power ? power : power + 1, arithmetic);
      left = add({Kind::binary, sign.text, 0.0, arithmetic, 0, 0, {left, right}}, syntax_.nodes[left].begin);
    }
    return left;
  }

  std::size_t prefix(bool arithmetic) {
    const std::size_t begin = token().begin;
    const Token::Kind kind = token().kind;
    if (is("+") || is("-")) {
      const Token sign = take();
      const std::size_t operand = expression(arithmetic ? unary_binding : 2, arithmetic);
      return add({Kind::unary, sign.text, 0.0, arithmetic, 0, 0, {operand}}, begin);
    }
    if (is("(")) return parentheses(arithmetic);
    if (kind == Token::Kind::number) {
      if (!arithmetic && token().number != 0.0 && token().number != 1.0) fail_expecting("a term, 0 or 1");
      const std::size_t node = number();
      syntax_.nodes[node].arithmetic = arithmetic;
      return node;
    }
    if (kind != Token::Kind::name) fail_expecting(arithmetic ? "a number or a column" : "a term");
    if (token().text == "." && !token().is_quoted) {
      if (arithmetic) fail_expecting("a number or a column");
      take();
      return add({Kind::dot, "."}, begin);
    }
    Token name = take();
    if (is("(") && !name.is_quoted) return call(name, arithmetic);
    return add({Kind::name, std::move(name.text), 0.0, arithmetic}, begin);
  }

  std::size_t parentheses(bool arithmetic) {
    const std::size_t begin = take().begin;
    std::size_t inner = expression(1, arithmetic);
    if (!arithmetic && (is("|") || is("||"))) {
      const Token bar = take();
      const std::size_t groups = expression(1, false);
      take(")", "\")\"");
      return add({Kind::group, bar.text, 0.0, false, 0, 0, {inner, groups}}, begin);
    }
    take(")", arithmetic ? "an arithmetic operator or \")\"" : "an operator or \")\"");
    return add({Kind::parentheses, "(", 0.0, arithmetic, 0, 0, {inner}}, begin);
  }

  /// The number that the formula goes on with, behind its sign.
  std::size_t number() {
    const std::size_t begin = token().begin;
    double sign = 1.0;
    if (is("-")) {
      take();
      sign = -1.0;
    }
    if (token().kind != Token::Kind::number) fail_expecting("a number");
    const double value = sign * take().number;
    return add({Kind::number, "", value, true}, begin);
  }

  std::size_t call(const Token& name, bool arithmetic) {
    const Nesting nesting(*this);
    const FormulaFunction* function = formula_function(name.text);
    if (function == nullptr) fail_formula(syntax_.text, name.begin, unknown_function(name.text));
    if (function->kind == FormulaFunction::Kind::addition && !is_addition_) {
      fail_formula(syntax_.text, name.begin,
                   fmt::format("{0} belongs to the response: y | {0}(n) ~ ...", name.text));
    }
    if (arithmetic && !is_addition_ && function->kind != FormulaFunction::Kind::number) {
      fail_formula(syntax_.text, name.begin, fmt::format("found {}(...), expected a number", name.text));
    }
    is_addition_ = false;
    FormulaNode node{Kind::call, name.text, 0.0, arithmetic};
    std::size_t of = 0;
    bool has_argument = false;
    take();  // the parenthesis
    do {
      if (is(",")) take();
      const std::size_t begin = token().begin;
      const std::string label = lexer_.takes_label();
      if (label.empty() && !has_argument) {
        of = expression(1, true);
        has_argument = true;
      } else {
        node.settings.push_back(setting_meant(*function, node.settings, label, begin));
        node.labels.push_back(label);
        node.operands.push_back(setting());
      }
    } while (is(","));
    take(")", "\",\", \")\" or an arithmetic operator");
    if (!has_argument) {
      fail_formula(syntax_.text, name.begin,
                   fmt::format("{} says not of what, expected a column or numbers in it", name.text));
    }
    node.operands.insert(node.operands.begin(), of);
    return add(std::move(node), name.begin);
  }

  static std::string unknown_function(const std::string& name) {
    std::vector<std::string> names;
    for (const char* known : {"I", "abs", "bs", "center", "exp", "factor", "log", "log10", "log1p", "ns",
                              "offset", "poly", "scale", "sqrt", "weights"}) {
      names.emplace_back(known);
    }
    return fmt::format("unknown function \"{}\"; did you mean \"{}\"?", name,
                       nearest(name, names, 1).front());
  }

  /// What the next argument sets: by its name, or the first that is not set.
  std::string setting_meant(const FormulaFunction& function, const std::vector<std::string>& set,
                            const std::string& label, std::size_t begin) const {
    const auto is_set = [&](const std::string& name) {
      return std::find(set.begin(), set.end(), name) != set.end();
    };
    if (label.empty()) {
      for (const std::string& name : function.settings)
        if (!is_set(name)) return name;
      fail_formula(syntax_.text, begin, fmt::format("{} takes no further argument", function.name));
    }
    const std::vector<std::string>& known = function.settings;
    if (known.empty()) {
      fail_formula(syntax_.text, begin, fmt::format("{} has no argument \"{}\"", function.name, label));
    }
    if (std::find(known.begin(), known.end(), label) == known.end()) {
      fail_formula(syntax_.text, begin,
                   fmt::format("{} has no argument \"{}\"; did you mean \"{}\"?", function.name, label,
                               nearest(label, known, 1).front()));
    }
    if (is_set(label)) {
      fail_formula(syntax_.text, begin, fmt::format("{} has two arguments \"{}\"", function.name, label));
    }
    return label;
  }

  /// The value of a setting: a number, TRUE, FALSE or a list of numbers.
  std::size_t setting() {
    const std::size_t begin = token().begin;
    if (token().kind != Token::Kind::name) return number();
    const std::string word = take().text;
    if (word == "TRUE" || word == "FALSE")
      return add({Kind::number, word, word == "TRUE" ? 1.0 : 0.0, true}, begin);
    if (word != "c" || !is("(")) {
      fail_formula(syntax_.text, begin, fmt::format("found \"{}\", expected a number or c(numbers)", word));
    }
    FormulaNode list{Kind::list, "c", 0.0, true};
    do {
      take();  // the parenthesis or comma
      list.operands.push_back(number());
    } while (is(","));
    take(")", "\",\" or \")\"");
    return add(std::move(list), begin);
  }

  /// What stands between the response and the ~.
  void additions() {
    do {
      take();
      const FormulaFunction* function =
          token().kind == Token::Kind::name ? formula_function(token().text) : nullptr;
      using enum FormulaFunction::Kind;
      if (function == nullptr || (function->kind != addition && function->kind != weights)) {
        fail_expecting("trials(n), cens(c) or weights(w)");
      }
      for (std::size_t other : syntax_.additions)
        if (syntax_.nodes[other].text == function->name) fail(fmt::format("two {}", function->name));
      const Token name = take();
      if (!is("(")) fail_expecting("\"(\"");
      is_addition_ = true;
      syntax_.additions.push_back(call(name, true));
    } while (is("+"));
  }

  FormulaLexer lexer_;
  FormulaSyntax syntax_;
  int depth_ = 0;
  bool is_addition_ = false;
};

}  // namespace

const FormulaFunction* formula_function(const std::string& name) {
  using enum FormulaFunction::Kind;
  static const std::vector<FormulaFunction> functions{
      {"I", number},
      {"abs", number},
      {"bs", basis, {"df", "knots", "degree", "intercept"}},
      {"cens", addition},
      {"center", number},
      {"exp", number},
      {"factor", factor},
      {"log", number},
      {"log10", number},
      {"log1p", number},
      {"ns", basis, {"df", "knots", "intercept"}},
      {"offset", offset},
      {"poly", basis, {"degree"}},
      {"scale", number},
      {"sqrt", number},
      {"trials", addition},
      {"weights", weights},
  };
  for (const FormulaFunction& function : functions)
    if (function.name == name) return &function;
  return nullptr;
}

FormulaSyntax parse_formula(const std::string& text) {
  return Parser(text).parse();
}

void FormulaSyntax::fail(std::size_t node, const std::string& found) const {
  fail_formula(text, nodes[node].begin, found);
}

std::string FormulaSyntax::written(std::size_t node) const {
  const std::size_t first = nodes[node].first;
  std::vector<std::string> parts;  // of the nodes from first on; taken by those that hold them
  for (std::size_t i = first; i <= node; ++i) {
    const FormulaNode& here = nodes[i];
    const auto part = [&](std::size_t k) -> std::string& { return parts[here.operands[k] - first]; };
    std::string whole;
    switch (here.kind) {
      case Kind::name:
        whole = formula_name(here.text);
        break;
      case Kind::dot:
        whole = ".";
        break;
      case Kind::number:
        whole = here.text.empty() ? fmt::format("{}", here.number) : here.text;
        break;
      case Kind::parentheses:
        whole = "(" + part(0) + ")";
        break;
      case Kind::unary:
        whole = here.text + part(0);
        break;
      case Kind::group:
        whole = "(" + part(0) + " " + here.text + " " + part(1) + ")";
        break;
      case Kind::binary: {
        const bool is_tight = here.text == "^" || here.text == "/" || here.text == ":";
        whole = std::move(part(0));  // appended to, so that long sums take time in proportion
        whole += is_tight ? here.text : " " + here.text + " ";
        whole += part(1);
        break;
      }
      case Kind::list:
      case Kind::call: {
        whole = here.text + "(";
        for (std::size_t k = 0; k < here.operands.size(); ++k) {
          if (k > 0) whole += ", ";
          if (here.kind == Kind::call && k > 0 && !here.labels[k - 1].empty())
            whole += here.labels[k - 1] + " = ";
          whole += part(k);
        }
        whole += ")";
        break;
      }
    }
    parts.push_back(std::move(whole));
  }
  return parts.back();
}

}  // namespace vfe
