! What plugins in Fortran share: the types of vfe_model.h, which says what the functions of a plugin are, and those
! functions that are the same in most: the version, the error text, and blocks that are their rows and nothing more.
! Compile it with the plugin:
!     gfortran -O2 -shared -fPIC vfe_model.f90 model.f90 -o model.so      (and -fopenmp, if fit.threads is above 1)
module vfe_model
  use, intrinsic :: iso_c_binding
  implicit none

  type, bind(c) :: vfe_parameter
    character(kind=c_char) :: name(64), transform(64)
    integer(c_int64_t) :: num_dimensions, dimensions(4)
    real(c_double) :: lower, upper
  end type

  type, bind(c) :: vfe_rows
    integer(c_int64_t) :: num_rows, num_columns, first_row
    type(c_ptr) :: x, y, offset, weight  ! x: real(c_double) (num_columns, num_rows); the others: (num_rows)
  end type

  character(kind=c_char), target, save, private :: failure(256) = c_null_char
  !$omp threadprivate(failure)

contains

  ! Sets what a failure is explained with; for use before a function returns 1.
  subroutine vfe_explain(text)
    character(len=*), intent(in) :: text
    integer :: i
    do i = 1, min(len(text), size(failure) - 1)
      failure(i) = text(i:i)
    end do
    failure(i) = c_null_char
  end subroutine

  ! Describes a parameter: a scalar, or the sizes of its axes in the order of vfe_model.h, in which the last one runs
  ! fastest (Fortran's first). The bounds may be set afterwards.
  subroutine vfe_describe(parameter, name, transform, sizes)
    type(vfe_parameter), intent(inout) :: parameter
    character(len=*), intent(in) :: name
    character(len=*), intent(in), optional :: transform
    integer(c_int64_t), intent(in), optional :: sizes(:)
    call copy(name, parameter%name)
    if (present(transform)) call copy(transform, parameter%transform)
    if (.not. present(sizes)) return
    parameter%num_dimensions = size(sizes)
    parameter%dimensions(:size(sizes)) = sizes
  contains
    subroutine copy(text, field)
      character(len=*), intent(in) :: text
      character(kind=c_char), intent(out) :: field(64)
      integer :: i
      field = [(merge(text(min(i, len(text)):min(i, len(text))), ' ', i <= len(text)), i = 1, 64)]
    end subroutine
  end subroutine

  ! Points x, num_columns x num_rows, and y, num_rows, at the rows of a block.
  subroutine vfe_rows_of(block, x, y)
    type(c_ptr), intent(in) :: block
    real(c_double), pointer, intent(out) :: x(:, :), y(:)
    type(vfe_rows), pointer :: rows
    call c_f_pointer(block, rows)
    call c_f_pointer(rows%x, x, [rows%num_columns, rows%num_rows])
    call c_f_pointer(rows%y, y, [rows%num_rows])
  end subroutine

  integer(c_int32_t) function vfe_model_open(rows, block) bind(c) result(failed)
    type(vfe_rows), intent(in), target :: rows
    type(c_ptr), intent(out) :: block
    block = c_loc(rows)
    failed = 0
  end function

  subroutine vfe_model_close(block) bind(c)
    type(c_ptr), value :: block
  end subroutine

  integer(c_int32_t) function vfe_model_abi() bind(c) result(version)
    version = 1
  end function

  type(c_ptr) function vfe_model_error() bind(c) result(text)
    text = c_loc(failure)
  end function

end module
