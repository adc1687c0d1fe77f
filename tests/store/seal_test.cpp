#include "store/seal.hpp"

#include <gmock/gmock.h>

#include "store/folder.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

using hdf5::FileBytes;
using testing::HasSubstr;

void write_sealed(const std::filesystem::path& path, const std::string& text) {
  const auto bytes = FileBytes::create(path);
  bytes->write(0, text.size(), text.data());
  hdf5::put_seal(*bytes);
  bytes->close();
  bytes->throw_if_failed();
}

TEST(Seal, StandsBehindTheBytesItIsOf) {
  const test::Folder folder;
  for (const std::size_t size : {0, 1, 1000, 3000000, 20000000}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * i / 7);
    write_sealed(folder / "file", text);
    const std::string found = read_file(folder / "file");
    EXPECT_EQ(found.size(), size + 24);
    EXPECT_EQ(found.substr(0, size), text);
    EXPECT_EQ(found.substr(size, 8), "vfe seal");
    hdf5::check_seal(*FileBytes::open(folder / "file"));
  }
}

TEST(Seal, NoDamageIsMissed) {
  const test::Folder folder;
  const std::string text = "some bytes of which none may change";
  write_sealed(folder / "file", text);
  const std::string whole = read_file(folder / "file");
  const auto refusal = [&](const std::string& bytes) {
    test::overwrite(folder / "file", bytes);
    return test::error_line(Fault::data, [&] { hdf5::check_seal(*FileBytes::open(folder / "file")); });
  };
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_THAT(refusal(damaged), HasSubstr("file")) << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) refusal(whole.substr(0, size));
  EXPECT_THAT(refusal(whole + "more"), HasSubstr("another program has changed it"));
  EXPECT_THAT(refusal("x" + whole), HasSubstr("36 bytes, its seal is of 35"));
  EXPECT_THAT(refusal("S" + whole.substr(1)), HasSubstr("is damaged: its bytes have the hash"));
}

}  // namespace
}  // namespace vfe
